package provision

import "github.com/raiz-dns/raiz/provision/apply"

// Wrapped returns options whose connections go through wrap.
func Wrapped(o Options, wrap func(apply.Server) apply.Server) Options {
	o.wrap = wrap
	return o
}
