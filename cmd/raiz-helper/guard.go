//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/raiz-dns/raiz/provision/helper/guard"
	"github.com/raiz-dns/raiz/provision/helper/linux"
	"github.com/raiz-dns/raiz/provision/watch"
)

// guarded is the guard, which systemd runs for as long as the server is up.
func guarded(out, problems io.Writer) int {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	text, err := os.ReadFile(watch.ConfigFile)
	if err == nil {
		var c watch.Config
		if c, err = watch.ReadConfig(text); err == nil {
			notify := func(state string) { _, _ = daemon.SdNotify(false, state) } // without systemd there is nobody to tell
			err = guard.New(linux.New(), c, out, notify).Run(ctx)
		}
	}
	if err != nil {
		fmt.Fprintln(problems, "raiz-helper:", err)
		return 1
	}
	return 0
}
