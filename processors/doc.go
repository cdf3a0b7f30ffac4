// Package processors has a program take as few processors as its work needs.
//
//	defer processors.Spare()()
//
// Go's scheduler wakes a thread for an idle processor whenever a goroutine wakes
// another. In a network stack goroutines hand each other work of a few
// microseconds: the device's reader to TCP, TCP to the program. By the time the
// thread is there it finds nothing to do, and goes to sleep again; what it took to
// wake it is more than the work. Behind a TUN device, on a machine with two
// processors, 64 bytes go back and forth up to 1.5 times as often without it, and
// a third more connections are opened a second (go run ./tun/tunbench measures
// both).
//
// [Spare] begins with one processor and adds others where goroutines wait for one,
// which it asks the scheduler twenty times a second (four times, while there is
// nothing to do), and the machine has one that is idle, which Linux says; it takes
// them away again where nobody would wait for them. So many connections, or
// handlers that compute, have all that others leave, after three twentieths of a
// second.
package processors
