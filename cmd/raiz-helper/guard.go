//go:build linux

package main

import (
	"context"
	"io"
	"os/signal"
	"syscall"

	"github.com/raiz-dns/raiz/provision/helper/guard"
	"github.com/raiz-dns/raiz/provision/helper/linux"
)

// guarded is the guard, which systemd runs for as long as the server is up.
func guarded(out, problems io.Writer) int {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	if err := guard.Serve(ctx, linux.New(), out); err != nil {
		failed(problems, err)
		return 1
	}
	return 0
}
