package verify

import (
	"context"

	"github.com/raiz-dns/raiz/provision/site"
)

// lookAtRouter reads what the host's router has learnt.
func lookAtRouter(ctx context.Context, _ *site.Site, v Vantages, e *Evidence) {
	if v.Router != nil {
		e.Router.Asked = true
		e.Router.Routes, e.Router.Err = v.Router(ctx)
	}
}
