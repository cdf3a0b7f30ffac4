// Package kernel runs workloads over the kernel's own TCP: a network namespace for
// the server and one for each client, joined by cables (package cable, what strata
// link is) with the same shapes. It is what worlds stand beside.
//
//	result, err := kernel.Run(ctx, bulk, params, 17)
//
// It needs Linux and root, see [Ready]. The seed decides what the wires do to the
// nth packet; the rest is the machine's. RACK is the kernel's only way to find
// losses, and the parameter that says otherwise is not for it. Congestion control
// is not the machine's: every socket is told its own, [DefaultCongestionControl]
// where the parameters have none, so that like is compared with like.
package kernel

// DefaultCongestionControl is that of worlds, and of kernels that stand beside
// them, whatever net.ipv4.tcp_congestion_control says.
const DefaultCongestionControl = "reno"
