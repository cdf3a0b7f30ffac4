//go:build !linux

package clock

// Precise is a loop whose timers are as exact as this system allows: loop
// itself, here.
func Precise(loop Loop) Loop { return loop }
