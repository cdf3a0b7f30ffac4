package processors

import (
	"bytes"
	"os"
	"strconv"
	"time"
)

// userHZ is the unit of /proc/stat, on every architecture that Go runs on.
const userHZ = 100

// idleTime is how long the machine's processors have been idle, together.
func idleTime() (time.Duration, bool) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, false
	}
	return parseIdle(text)
}

// parseIdle reads the fourth figure of the first line (proc_stat(5)): "cpu", user,
// nice, system, idle.
func parseIdle(text []byte) (time.Duration, bool) {
	line, _, _ := bytes.Cut(text, []byte{'\n'})
	fields := bytes.Fields(line)
	if len(fields) < 5 || string(fields[0]) != "cpu" {
		return 0, false
	}
	n, err := strconv.ParseInt(string(fields[4]), 10, 64)
	if err != nil || n < 0 || n > int64(1<<63-1)/int64(time.Second/userHZ) {
		return 0, false
	}
	return time.Duration(n) * (time.Second / userHZ), true
}
