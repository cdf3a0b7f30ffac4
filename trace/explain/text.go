package explain

import (
	"fmt"
	"strings"
)

// String is a headline and a line for each part:
//
//	ws text fin masked len=5 "hello", from phone to server: 254ms
//	  204ms recovery     bytes 0 to 11 lost on phone-server from A to B (rule), sent again 204ms later: probe
//	   50ms propagation  phone-server from A to B
func (e *Explanation) String() string {
	var b strings.Builder
	if m := e.Message; m == nil {
		fmt.Fprintf(&b, "the connection's opening: %v", e.Latency())
	} else {
		fmt.Fprintf(&b, "%v, from %s to %s: %v", m.What, m.Sender(), m.Receiver(), e.Latency())
	}
	took, name := 0, 0
	for _, p := range e.Parts {
		took, name = max(took, len(p.Took().String())), max(name, len(p.Name))
	}
	for _, p := range e.Parts {
		line := fmt.Sprintf("  %*s %-*s  %s", took, p.Took(), name, p.Name, p.Why)
		b.WriteString("\n" + strings.TrimRight(line, " "))
	}
	return b.String()
}
