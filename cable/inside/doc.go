// Package inside runs a command inside a network namespace, for the commands
// of strata that take one behind "--".
//
//	done, wait := inside.Run(ctx, "blue", []string{"curl", "http://10.77.0.2/"})
//	err := <-done // nil, or an *exec.ExitError
//	cancel()
//	wait()
package inside
