package names

import (
	"context"
	"errors"
	"net"
	"net/netip"

	"strata/stack"
)

// Chain asks resolvers one after the other until one of them knows the name:
// a Table and then a Resolver, for instance. Where none does and one of them
// failed, its error counts: the name may exist.
func Chain(resolvers ...stack.Resolver) stack.Resolver { return chain(resolvers) }

type chain []stack.Resolver

func (c chain) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	var unknown, failed error
	for _, r := range c {
		addrs, err := r.LookupNetIP(ctx, network, host)
		var dns *net.DNSError
		switch {
		case err == nil:
			return addrs, nil
		case errors.As(err, &dns) && dns.IsNotFound:
			unknown = err
		case failed == nil:
			failed = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	switch {
	case failed != nil:
		return nil, failed
	case unknown != nil:
		return nil, unknown
	}
	return nil, notFound(host, "")
}
