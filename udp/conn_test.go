package udp_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/stack"
	"strata/udp"
)

// A question and its answer, by every pair of calls there is, over both
// families.
func TestDatagramsGoBothWays(t *testing.T) {
	everywhere(t, func(t *testing.T, w world) {
		for network, address := range w.families() {
			server := w.mustListen(t, network, address)
			client := w.mustDial(t, network, server.LocalAddr())
			require.Equal(t, server.LocalAddr().String(), client.RemoteAddr().String())
			require.Nil(t, server.RemoteAddr(), "a nil interface, not a nil pointer in one")
			require.Equal(t, "udp", server.LocalAddr().Network())

			send(t, client, "question")
			got, from := receive(t, server)
			require.Equal(t, "question", got)
			require.Equal(t, addrPortOf(client.LocalAddr()), from)

			n, err := server.WriteToUDPAddrPort([]byte("answer"), from)
			require.NoError(t, err)
			require.Equal(t, 6, n)
			buf := make([]byte, 100)
			n, addr, err := client.ReadFrom(buf)
			require.NoError(t, err)
			require.Equal(t, "answer", string(buf[:n]))
			require.Equal(t, addrPortOf(server.LocalAddr()), addrPortOf(addr))

			_, err = server.WriteTo([]byte("again"), client.LocalAddr())
			require.NoError(t, err)
			n, err = client.Read(buf)
			require.NoError(t, err)
			require.Equal(t, "again", string(buf[:n]))
		}
	})
}

// An empty datagram is a datagram: Read gives 0 without an error, and what
// comes behind it is not lost.
func TestEmptyDatagram(t *testing.T) {
	everywhere(t, func(t *testing.T, w world) {
		for network, address := range w.families() {
			server := w.mustListen(t, network, address)
			client := w.mustDial(t, network, server.LocalAddr())
			for _, payload := range []string{"", "", "x", ""} {
				send(t, client, payload)
			}
			for _, want := range []string{"", "", "x", ""} {
				got, from := receive(t, server)
				require.Equal(t, want, got)
				require.Equal(t, addrPortOf(client.LocalAddr()), from)
			}
			_, err := server.WriteTo(nil, client.LocalAddr())
			require.NoError(t, err)
			n, err := client.Read(make([]byte, 10))
			require.NoError(t, err)
			require.Zero(t, n)
		}
	})
}

// What does not fit into the reader's buffer is gone; the next datagram is not
// touched by it.
func TestTruncation(t *testing.T) {
	everywhere(t, func(t *testing.T, w world) {
		server := w.mustListen(t, "udp4", w.families()["udp4"])
		client := w.mustDial(t, "udp4", server.LocalAddr())
		for _, payload := range []string{"abcdef", "nothing of it", "second", "third"} {
			send(t, client, payload)
		}
		buf := make([]byte, 3)
		n, _, err := server.ReadFromUDPAddrPort(buf)
		require.NoError(t, err)
		require.Equal(t, "abc", string(buf[:n]))

		n, _, err = server.ReadFrom(nil) // takes a datagram …
		require.NoError(t, err)
		require.Zero(t, n)
		n, err = server.Read(nil) // … and this does not
		require.NoError(t, err)
		require.Zero(t, n)

		n, err = server.Read(buf)
		require.NoError(t, err)
		require.Equal(t, "sec", string(buf[:n]))
		got, _ := receive(t, server)
		require.Equal(t, "third", got)
	})
}

// The largest datagram of each family arrives whole; one byte more is refused.
func TestLargestDatagram(t *testing.T) {
	everywhere(t, func(t *testing.T, w world) {
		for network, largest := range map[string]int{"udp4": 65507, "udp6": 65527} {
			server := w.mustListen(t, network, w.families()[network])
			client := w.mustDial(t, network, server.LocalAddr())
			payload := strings.Repeat("0123456789", largest/10+1)[:largest]
			send(t, client, payload)
			got, _ := receive(t, server)
			require.True(t, got == payload, "%s: %d bytes arrived of %d", network, len(got), largest)

			for _, size := range []int{largest + 1, 65535, 65536, 1 << 20} {
				_, err := client.Write(make([]byte, size))
				require.ErrorIs(t, err, syscall.EMSGSIZE, "%s: %d bytes", network, size)
				_, err = server.WriteTo(make([]byte, size), client.LocalAddr())
				require.ErrorIs(t, err, syscall.EMSGSIZE, "%s: %d bytes", network, size)
			}
		}
	})
}

func requireTimeout(t *testing.T, err error) {
	t.Helper()
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	require.True(t, timeout.Timeout())
	requireOp(t, err, "")
}

// requireOp wants a *net.OpError, and that of op where one is named.
func requireOp(t *testing.T, err error, op string) *net.OpError {
	t.Helper()
	var e *net.OpError
	require.ErrorAs(t, err, &e)
	if op != "" {
		require.Equal(t, op, e.Op)
	}
	return e
}

// A deadline that has passed fails the call even if there is something to
// read; taking it away brings the datagram back.
func TestDeadlineBeforeTheCall(t *testing.T) {
	everywhere(t, func(t *testing.T, w world) {
		server := w.mustListen(t, "udp4", w.families()["udp4"])
		client := w.mustDial(t, "udp4", server.LocalAddr())
		send(t, client, "early")
		got, _ := receive(t, server)
		require.Equal(t, "early", got) // so the next is there as well, or soon

		send(t, client, "late")
		require.NoError(t, server.SetDeadline(time.Unix(1, 0)))
		_, _, err := server.ReadFrom(make([]byte, 10))
		requireTimeout(t, err)
		_, err = server.WriteTo([]byte("x"), client.LocalAddr())
		requireTimeout(t, err)

		require.NoError(t, server.SetReadDeadline(time.Time{}))
		got, _ = receive(t, server)
		require.Equal(t, "late", got)
		_, err = server.WriteTo([]byte("x"), client.LocalAddr())
		requireTimeout(t, err) // the other direction's stands

		require.NoError(t, server.SetWriteDeadline(time.Now().Add(time.Hour)))
		_, err = server.WriteTo([]byte("x"), client.LocalAddr())
		require.NoError(t, err)
		got, _ = receive(t, client)
		require.Equal(t, "x", got)
	})
}

// A deadline ends the reads that wait, all of them; so does one that is set, or
// moved into the past, while they do. The timer is the test's only clock.
func TestDeadlineDuringTheCall(t *testing.T) {
	everywhere(t, func(t *testing.T, w world) {
		server := w.mustListen(t, "udp6", w.families()["udp6"])
		reads := func(n int) chan error {
			done := make(chan error, n)
			for range n {
				go func() {
					_, _, err := server.ReadFrom(make([]byte, 10))
					done <- err
				}()
			}
			return done
		}
		require.NoError(t, server.SetReadDeadline(time.Now().Add(30*time.Millisecond)))
		done := reads(3)
		for range 3 {
			requireTimeout(t, <-done)
		}

		require.NoError(t, server.SetReadDeadline(time.Now().Add(time.Hour)))
		done = reads(3)
		require.NoError(t, server.SetReadDeadline(time.Now().Add(-time.Second)))
		for range 3 {
			requireTimeout(t, <-done)
		}

		// A deadline that was moved away before it passed ends nothing: the read
		// lasts until the datagram.
		require.NoError(t, server.SetReadDeadline(time.Now().Add(time.Hour)))
		client := w.mustDial(t, "udp6", server.LocalAddr())
		require.NoError(t, server.SetReadDeadline(time.Now().Add(2*time.Hour)))
		done = reads(1)
		send(t, client, "x")
		require.NoError(t, <-done)
	})
}

// Close ends the reads that wait, and everything fails after it; with
// net.ErrClosed, and with the name of the call.
func TestClose(t *testing.T) {
	everywhere(t, func(t *testing.T, w world) {
		server := w.mustListen(t, "udp", net.JoinHostPort(w.addr4, "0"))
		client := w.mustDial(t, "udp", server.LocalAddr())
		done := make(chan error, 3)
		for range 3 {
			go func() {
				_, err := server.Read(make([]byte, 10))
				done <- err
			}()
		}
		require.NoError(t, server.Close())
		for range 3 {
			err := <-done
			require.ErrorIs(t, err, net.ErrClosed)
			requireOp(t, err, "read")
		}
		require.NoError(t, client.Close())
		for _, c := range []socket{server, client} {
			check := func(op string, err error) {
				t.Helper()
				require.ErrorIs(t, err, net.ErrClosed)
				e := requireOp(t, err, op)
				require.Equal(t, "udp", e.Net)
				require.False(t, e.Timeout())
			}
			check("close", c.Close())
			_, err := c.Read(make([]byte, 1))
			check("read", err)
			_, _, err = c.ReadFrom(make([]byte, 1))
			check("read", err)
			_, _, err = c.ReadFromUDPAddrPort(make([]byte, 1))
			check("read", err)
			check("set", c.SetDeadline(time.Now()))
			check("set", c.SetReadDeadline(time.Time{}))
			check("set", c.SetWriteDeadline(time.Time{}))
			check("set", c.SetReadBuffer(10000))
			check("set", c.SetWriteBuffer(10000))
			require.NotNil(t, c.LocalAddr(), "the addresses stay")
		}
		_, err := client.Write([]byte("x"))
		require.ErrorIs(t, err, net.ErrClosed)
		_, err = server.WriteTo([]byte("x"), client.LocalAddr())
		require.ErrorIs(t, err, net.ErrClosed)

		// The port is free again.
		again := w.mustListen(t, "udp", server.LocalAddr().String())
		require.Equal(t, server.LocalAddr().String(), again.LocalAddr().String())
	})
}

// Nobody listens: the peer's host says so, and a dialled Conn tells whoever
// calls next, once.
func TestRefused(t *testing.T) {
	everywhere(t, func(t *testing.T, w world) {
		for network, address := range w.families() {
			gone, err := w.listen(network, address)
			require.NoError(t, err)
			client := w.mustDial(t, network, gone.LocalAddr())
			require.NoError(t, gone.Close())

			send(t, client, "anybody?")
			_, err = client.Read(make([]byte, 10)) // waits for the refusal
			require.ErrorIs(t, err, syscall.ECONNREFUSED)
			e := requireOp(t, err, "read")
			require.Equal(t, client.LocalAddr(), e.Source)
			require.Equal(t, client.RemoteAddr(), e.Addr)

			// A Write is told as well, as soon as the refusal of an earlier one
			// has come.
			for err = nil; err == nil; {
				_, err = client.Write([]byte("anybody?"))
			}
			require.ErrorIs(t, err, syscall.ECONNREFUSED)
			requireOp(t, err, "write")

			// It is no end: somebody may come back.
			back := w.mustListen(t, network, gone.LocalAddr().String())
			for err = errors.New("not sent"); err != nil; {
				_, err = client.Write([]byte("now?"))
			}
			for got := ""; got != "now?"; got, _ = receive(t, back) {
				// what was asked before may still have been on its way
				require.Contains(t, []string{"", "anybody?"}, got)
			}
		}
	})
}

// An endpoint that was not dialled hears nothing of refusals: which of the
// peers would it be?
func TestListenerIsNotRefused(t *testing.T) {
	everywhere(t, func(t *testing.T, w world) {
		gone, err := w.listen("udp4", w.families()["udp4"])
		require.NoError(t, err)
		server := w.mustListen(t, "udp4", w.families()["udp4"])
		require.NoError(t, gone.Close())
		_, err = server.WriteTo([]byte("anybody?"), gone.LocalAddr())
		require.NoError(t, err)
		// The refusal, if it comes, comes before this.
		_, err = server.WriteTo([]byte("myself"), server.LocalAddr())
		require.NoError(t, err)
		got, _ := receive(t, server)
		require.Equal(t, "myself", got)
	})
}

// A dialled Conn hears its peer only.
func TestDialledHearsOnlyItsPeer(t *testing.T) {
	everywhere(t, func(t *testing.T, w world) {
		server := w.mustListen(t, "udp4", w.families()["udp4"])
		other := w.mustListen(t, "udp4", w.families()["udp4"])
		client := w.mustDial(t, "udp4", server.LocalAddr())
		_, err := other.WriteTo([]byte("stranger"), client.LocalAddr())
		require.NoError(t, err)
		_, err = server.WriteTo([]byte("peer"), client.LocalAddr())
		require.NoError(t, err)
		got, from := receive(t, client)
		require.Equal(t, "peer", got)
		require.Equal(t, addrPortOf(server.LocalAddr()), from)
	})
}

// A listener of both families hears both, and answers both, whichever way the
// IPv4 address is written; one of IPv6 alone does not.
func TestBothFamiliesAtOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, w world) {
		for _, any := range []string{":0", "0.0.0.0:0", "[::]:0"} {
			server := w.mustListen(t, "udp", any)
			port := fmt.Sprint(addrPortOf(server.LocalAddr()).Port())
			require.Equal(t, "[::]:"+port, server.LocalAddr().String())
			for _, address := range []string{w.addr4, w.addr6} {
				client, err := w.dial("udp", net.JoinHostPort(address, port))
				require.NoError(t, err)
				guarded(t, client)
				send(t, client, "hello")
				got, from := receive(t, server)
				require.Equal(t, "hello", got)
				require.Equal(t, addrPortOf(client.LocalAddr()), from)
				mapped := netip.AddrPortFrom(netip.AddrFrom16(from.Addr().As16()), from.Port())
				for _, to := range []netip.AddrPort{from, mapped} {
					_, err = server.WriteToUDPAddrPort([]byte("welcome"), to)
					require.NoError(t, err)
					_, err = server.WriteTo([]byte("welcome"), net.UDPAddrFromAddrPort(to))
					require.NoError(t, err)
				}
				for range 4 {
					got, _ = receive(t, client)
					require.Equal(t, "welcome", got)
				}
			}
		}

		only4 := w.mustListen(t, "udp4", ":0")
		require.True(t, strings.HasPrefix(only4.LocalAddr().String(), "0.0.0.0:"), "%v", only4.LocalAddr())
		mapped := netip.AddrPortFrom(netip.AddrFrom16(netip.MustParseAddr(w.addr4).As16()), 9)
		_, err := only4.WriteToUDPAddrPort([]byte("x"), mapped)
		require.NoError(t, err)
		_, err = only4.WriteToUDPAddrPort([]byte("x"), netip.AddrPortFrom(netip.MustParseAddr(w.addr6), 9))
		var family *net.AddrError
		require.ErrorAs(t, err, &family)
		require.Equal(t, "non-IPv4 address", family.Err)

		only6 := w.mustListen(t, "udp6", ":0")
		_, err = only6.WriteToUDPAddrPort([]byte("x"), netip.AddrPortFrom(netip.MustParseAddr(w.addr4), 9))
		require.ErrorIs(t, err, syscall.ENETUNREACH)
		client, err := w.dial("udp", net.JoinHostPort(w.addr4, fmt.Sprint(addrPortOf(only6.LocalAddr()).Port())))
		require.NoError(t, err)
		guarded(t, client)
		send(t, client, "hello")
		_, err = client.Read(make([]byte, 10))
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
	})
}

// One port, one owner; but each family has its own ports.
func TestPortInUse(t *testing.T) {
	everywhere(t, func(t *testing.T, w world) {
		first := w.mustListen(t, "udp4", net.JoinHostPort(w.addr4, "0"))
		port := fmt.Sprint(addrPortOf(first.LocalAddr()).Port())
		for network, address := range map[string]string{"udp4": net.JoinHostPort(w.addr4, port), "udp": ":" + port} {
			_, err := w.listen(network, address)
			require.ErrorIs(t, err, syscall.EADDRINUSE, "%s %s", network, address)
			e := requireOp(t, err, "listen")
			require.Equal(t, network, e.Net)
			require.Nil(t, e.Source)
		}
		second := w.mustListen(t, "udp6", net.JoinHostPort(w.addr6, port))
		require.Equal(t, net.JoinHostPort(w.addr6, port), second.LocalAddr().String())
	})
}

func TestMisuse(t *testing.T) {
	everywhere(t, func(t *testing.T, w world) {
		_, err := w.listen("udp4", "192.0.2.1:0")
		require.ErrorIs(t, err, syscall.EADDRNOTAVAIL, "not an address of this host")
		require.Equal(t, "192.0.2.1:0", requireOp(t, err, "listen").Addr.String())

		for _, call := range []func(network, address string) (socket, error){w.listen, w.dial} {
			_, err = call("udp5", "127.0.0.1:1")
			require.Equal(t, net.UnknownNetworkError("udp5"), requireOp(t, err, "").Err)
			var addr *net.AddrError
			_, err = call("udp", "127.0.0.1")
			require.ErrorAs(t, err, &addr)
			require.Equal(t, "missing port in address", addr.Err)
			_, err = call("udp4", "[::1]:1")
			require.ErrorAs(t, err, &addr)
			require.Equal(t, "no suitable address", strings.TrimSuffix(addr.Err, " found"))
			_, err = call("udp", "127.0.0.1:no-such-service")
			var dns *net.DNSError
			require.ErrorAs(t, err, &dns)
		}

		server := w.mustListen(t, "udp4", w.families()["udp4"])
		_, err = server.Write([]byte("to whom?"))
		require.ErrorIs(t, err, syscall.EDESTADDRREQ)
		requireOp(t, err, "write")
		_, err = server.WriteTo([]byte("to whom?"), nil)
		require.ErrorIs(t, err, syscall.EINVAL)
		_, err = server.WriteTo([]byte("to whom?"), (*net.UDPAddr)(nil))
		require.ErrorContains(t, err, "missing address")
		_, err = server.WriteToUDPAddrPort([]byte("to whom?"), netip.AddrPort{})
		require.Error(t, err)
		_, err = server.WriteTo([]byte("x"), &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9})
		require.ErrorIs(t, err, syscall.EINVAL)
		_, err = server.WriteToUDPAddrPort([]byte("x"), netip.AddrPortFrom(netip.MustParseAddr(w.addr4), 0))
		require.ErrorIs(t, err, syscall.EINVAL, "port 0 is nobody's")

		client := w.mustDial(t, "udp4", server.LocalAddr())
		_, err = client.WriteTo([]byte("x"), server.LocalAddr())
		require.ErrorIs(t, err, net.ErrWriteToConnected)
		_, err = client.WriteToUDPAddrPort([]byte("x"), addrPortOf(server.LocalAddr()))
		require.ErrorIs(t, err, net.ErrWriteToConnected)
	})
}

// ":port" and 0.0.0.0 are this host, for who sends.
func TestUnspecifiedIsThisHost(t *testing.T) {
	everywhere(t, func(t *testing.T, w world) {
		if w.addr4 != "127.0.0.1" {
			t.Skip("the peer is another host")
		}
		server := w.mustListen(t, "udp", ":0")
		port := addrPortOf(server.LocalAddr()).Port()
		for network, want := range map[string]string{"udp": "127.0.0.1", "udp4": "127.0.0.1", "udp6": "::1"} {
			client, err := w.dial(network, fmt.Sprintf(":%d", port))
			require.NoError(t, err)
			guarded(t, client)
			require.Equal(t, want, addrPortOf(client.RemoteAddr()).Addr().String())
			send(t, client, "hello")
			_, from := receive(t, server)
			require.Equal(t, want, from.Addr().String())
		}
		_, err := server.WriteTo([]byte("to me"), &net.UDPAddr{Port: int(port)})
		require.NoError(t, err)
		got, _ := receive(t, server)
		require.Equal(t, "to me", got)
	})
}

// Several goroutines read one endpoint and answer while several ask: every
// question gets its own answer, so no wake-up is lost.
func TestConcurrentUse(t *testing.T) {
	everywhere(t, func(t *testing.T, w world) {
		const readers, clients, questions = 4, 8, 50
		server := w.mustListen(t, "udp4", w.families()["udp4"])
		var serving, asking sync.WaitGroup
		for range readers {
			serving.Go(func() {
				buf := make([]byte, 100)
				for {
					n, from, err := server.ReadFromUDPAddrPort(buf)
					if err != nil {
						if !errors.Is(err, net.ErrClosed) {
							t.Errorf("read: %v", err)
						}
						return
					}
					if _, err := server.WriteToUDPAddrPort(buf[:n], from); err != nil {
						t.Errorf("write: %v", err)
					}
				}
			})
		}
		for i := range clients {
			client := w.mustDial(t, "udp4", server.LocalAddr())
			asking.Go(func() {
				buf := make([]byte, 100)
				for j := range questions {
					want := fmt.Sprintf("question %d of %d", j, i)
					_, err := client.Write([]byte(want))
					if err != nil {
						t.Errorf("write: %v", err)
						return
					}
					n, err := client.Read(buf)
					if err != nil || string(buf[:n]) != want {
						t.Errorf("got %q, %v", buf[:n], err)
						return
					}
				}
			})
		}
		asking.Wait()
		require.NoError(t, server.Close())
		serving.Wait()
	})
}

// The host's end is the end of its endpoints: calls that wait return.
func TestHostCloses(t *testing.T) {
	h := stack.New(stack.Config{})
	c, err := udp.Listen(h, "udp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan error)
	go func() {
		_, _, err := c.ReadFrom(make([]byte, 10))
		done <- err
	}()
	require.NoError(t, h.Close())
	require.ErrorIs(t, <-done, net.ErrClosed)
	_, err = c.WriteTo([]byte("x"), c.LocalAddr())
	require.ErrorIs(t, err, net.ErrClosed)
	require.NoError(t, c.Close())
}
