package tcp

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	gtcp "gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

	"strata/stack"
)

// Table is the TCP endpoints of a host, those that listen first, then by their
// addresses. Its String is a table as ss -ti prints it.
type Table []Info

// Netstat lists the TCP endpoints of a host: those that listen, are open, or
// are still closing. In a table of many thousands the connections' figures are
// not of one instant.
func Netstat(h *stack.Host) Table {
	s := stateOf(h)
	var t Table
	// An endpoint for both families is registered under each.
	listed := map[*gtcp.Endpoint]bool{}
	for _, e := range slices.Concat(h.Stack().RegisteredEndpoints(), h.Stack().CleanupEndpoints()) {
		ep, ok := e.(*gtcp.Endpoint)
		if !ok || listed[ep] {
			continue
		}
		listed[ep] = true
		info := endpointInfo(ep)
		s.mu.Lock()
		c := s.conns[ep]
		s.mu.Unlock()
		if c != nil {
			c.fill(&info)
		}
		t = append(t, info)
	}
	slices.SortStableFunc(t, func(a, b Info) int {
		return cmp.Or(
			-cmp.Compare(btoi(a.State == "LISTEN"), btoi(b.State == "LISTEN")),
			a.Flow.Local.Compare(b.Flow.Local),
			a.Flow.Remote.Compare(b.Flow.Remote),
			cmp.Compare(a.Family, b.Family),
		)
	})
	return t
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// String prints the table, a line of addresses and a line of figures for each.
func (t Table) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "State\tLocal Address:Port\tPeer Address:Port\t")
	for _, i := range t {
		peer := "*"
		if i.Flow.Remote.Port() != 0 {
			peer = i.Flow.Remote.String()
		}
		local := i.Flow.Local.String()
		if !i.Flow.Local.Addr().IsValid() {
			// Every address: of both families, or of one.
			every := map[string]string{"tcp4": "0.0.0.0", "tcp6": "[::]"}
			local = fmt.Sprintf("%s:%d", cmp.Or(every[i.Family], "*"), i.Flow.Local.Port())
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t", i.State, local, peer)
		if i.State != "LISTEN" {
			fmt.Fprint(w, i.String()[len(i.State)+1:])
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	return b.String()
}
