package processors

import (
	"bytes"
	"math"
	"os"
	"strconv"
	"time"
)

// userHZ is the unit of /proc/stat, on every architecture that Go runs on.
const userHZ = 100

// idleTime is how long the machine's processors have been idle, together, or did what
// may wait.
func idleTime() (time.Duration, bool) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, false
	}
	return parseIdle(text)
}

// parseIdle reads the second and the fourth figure of the first line (proc_stat(5)):
// "cpu", user, nice, system, idle.
func parseIdle(text []byte) (time.Duration, bool) {
	line, _, _ := bytes.Cut(text, []byte{'\n'})
	fields := bytes.Fields(line)
	if len(fields) < 5 || string(fields[0]) != "cpu" {
		return 0, false
	}
	var sum time.Duration
	for _, field := range [][]byte{fields[2], fields[4]} {
		const most = math.MaxInt64 / int64(time.Second/userHZ) / 2
		n, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil || n < 0 || n > most {
			return 0, false
		}
		sum += time.Duration(n) * (time.Second / userHZ)
	}
	return sum, true
}
