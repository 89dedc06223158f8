//go:build linux

// Raiz-helper is what raiz has on a server. It listens on nothing: raiz runs it
// over SSH with a request on stdin, systemd runs it for the ways back, and a
// person at a console may ask it how things stand.
package main

import (
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/raiz-dns/raiz/provision/helper"
	"github.com/raiz-dns/raiz/provision/helper/linux"
	"github.com/raiz-dns/raiz/provision/printable"
	"github.com/raiz-dns/raiz/provision/server"
)

const usage = `raiz-helper status    how things stand: which generation, until when, how to go back
raiz-helper revert    put back what stood before the generation that is not confirmed
raiz-helper release   the same, whoever it belongs to; what cannot be put back is given up
raiz-helper drain     withdraw the blocks and keep them withdrawn, once routers had time to leave
raiz-helper drain-now withdraw them at once
raiz-helper undrain   let the guard announce them again
raiz-helper version   what it was built for, and which version of raiz's language it speaks
`

func main() {
	// Nobody may hear any more how a change ends; it has to end all the same.
	// What is ignored would be so in every child too, and a command that raiz
	// runs may count on the end of a pipe.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP, syscall.SIGPIPE)
	// A login's umask is nobody's decision for what a command makes.
	syscall.Umask(0o022)
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

func run(args []string, in io.Reader, out, problems io.Writer) int {
	problems = printable.NewWriter(problems, printable.Monochrome)
	if len(args) != 1 {
		printable.Fprintf(problems, usage)
		return 64
	}
	if args[0] != "serve" {
		out = printable.NewWriter(out, printable.Monochrome)
	}
	if args[0] == "version" {
		printable.Fprintf(out, "raiz-helper %s/%s, language %d\n", runtime.GOOS, runtime.GOARCH, server.Version)
		return 0
	}
	program, err := os.Executable()
	if err != nil {
		failed(problems, err)
		return 1
	}
	if slices.Contains([]string{"status", "revert", "release", "drain", "drain-now", "undrain"}, args[0]) && os.Geteuid() != 0 {
		printable.Fprintf(problems, "raiz-helper: only root may look at this; type: sudo raiz-helper %s\n", args[0])
		return 1
	}
	if args[0] == "guard" {
		return guarded(out, problems)
	}
	h := helper.New(linux.New(), helper.Options{Program: program, From: from()})
	say := func(text string, err error) error {
		if text != "" {
			printable.Fprintf(out, "%s\n", text)
		}
		return err
	}
	switch args[0] {
	case "serve":
		return h.Serve(in, out)
	case "activate":
		if err = h.Activate(); err == nil {
			_ = linux.Prune(program) // another time will do
		}
	case "pending":
		err = h.RevertPending()
	case "boot":
		err = h.Boot()
	case "status":
		err = h.Status(out)
	case "revert":
		err = say(h.RevertNow(person()))
	case "release":
		err = say(h.Release(person()))
	case "drain", "drain-now":
		err = h.DrainNow(out, person(), server.DrainRequest{Wanted: true, Now: args[0] == "drain-now"})
	case "undrain":
		err = h.DrainNow(out, person(), server.DrainRequest{})
	default:
		printable.Fprintf(problems, usage)
		return 64
	}
	if err != nil {
		failed(problems, err)
		return 1
	}
	return 0
}

// failed says why something was not done.
func failed(problems io.Writer, err error) {
	_, _ = io.WriteString(problems, "raiz-helper: "+printable.Quoted(err.Error())+"\n") // nobody is left to tell
}

// from is where an SSH login came from. sudo may not tell.
func from() string {
	address, _, _ := strings.Cut(os.Getenv("SSH_CONNECTION"), " ")
	return address
}

// person is who sits at the console.
func person() string {
	if user := os.Getenv("SUDO_USER"); user != "" {
		return user + " at a console"
	}
	return "somebody at a console"
}
