package inside

import "syscall"

// dieWithUs lets the kernel kill the command when the thread that started it is
// gone.
func dieWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
