//go:build linux

// Stepping is raiz-helper as the sweep has it: before each call that changes
// something it writes down which one comes, and stands still where it is told
// to. Without the sweep's folder on the server it is the helper alone.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/raiz-dns/raiz/provision/helper"
	"github.com/raiz-dns/raiz/provision/helper/guard"
	"github.com/raiz-dns/raiz/provision/helper/linux"
	"github.com/raiz-dns/raiz/provision/server"
)

const dir = "/var/lib/raiz-sweep/"

// stepping is an operating system that announces what changes it.
type stepping struct {
	helper.OS
	verb string
	n    *int
}

// step announces a call, and stands still at its place until it may go on.
func (s stepping) step(what string) {
	if _, err := os.Stat(dir); err != nil {
		return
	}
	*s.n++
	name := fmt.Sprintf("%s-%d-%s", s.verb, *s.n, what)
	if _, err := os.Stat(dir + "tracing"); err == nil {
		f, err := os.OpenFile(dir+"trace", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err == nil {
			_, _ = f.WriteString(name + "\n")
			_ = f.Close()
		}
	}
	at, err := os.ReadFile(dir + "at")
	if err != nil || strings.TrimSpace(string(at)) != name {
		return
	}
	_ = os.WriteFile(dir+"hit", nil, 0o644)
	for err == nil {
		time.Sleep(20 * time.Millisecond) // until the sweep takes the place away
		_, err = os.Stat(dir + "at")
	}
}

func (s stepping) Create(path string, data []byte, a helper.Attributes) error {
	s.step("create")
	return s.OS.Create(path, data, a)
}
func (s stepping) Symlink(text, path string) error {
	s.step("symlink")
	return s.OS.Symlink(text, path)
}
func (s stepping) Link(path, second string) error { s.step("link"); return s.OS.Link(path, second) }
func (s stepping) Rename(from, to string) error   { s.step("rename"); return s.OS.Rename(from, to) }
func (s stepping) Remove(path string) error       { s.step("remove"); return s.OS.Remove(path) }
func (s stepping) Flush(path string) error        { s.step("flush"); return s.OS.Flush(path) }
func (s stepping) MakeDir(path string, mode fs.FileMode) error {
	s.step("mkdir")
	return s.OS.MakeDir(path, mode)
}
func (s stepping) Do(op helper.Op, unit string, limit time.Duration) error {
	s.step(string(op))
	return s.OS.Do(op, unit, limit)
}
func (s stepping) Arm(after time.Duration) error { s.step("arm"); return s.OS.Arm(after) }
func (s stepping) Disarm() error                 { s.step("disarm"); return s.OS.Disarm() }
func (s stepping) AddAddress(link string, a server.AddressFact) error {
	s.step("address")
	return s.OS.AddAddress(link, a)
}
func (s stepping) DelAddress(link, address string) error {
	s.step("no-address")
	return s.OS.DelAddress(link, address)
}
func (s stepping) SetLink(l server.LinkFact) error { s.step("set-link"); return s.OS.SetLink(l) }
func (s stepping) AddRoute(r server.Route) error   { s.step("route"); return s.OS.AddRoute(r) }
func (s stepping) DelRoute(r server.Route) error   { s.step("no-route"); return s.OS.DelRoute(r) }
func (s stepping) AddRule(r server.Rule) error     { s.step("rule"); return s.OS.AddRule(r) }
func (s stepping) DelRule(r server.Rule) error     { s.step("no-rule"); return s.OS.DelRule(r) }
func (s stepping) Run(argv []string, limit time.Duration) (string, error) {
	s.step("run")
	return s.OS.Run(argv, limit)
}
func (s stepping) Lock(path, who string, wait time.Duration) (func(), error) {
	s.step("lock")
	return s.OS.Lock(path, who, wait)
}

func main() {
	signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE)
	verb := os.Args[1]
	if verb == "guard" { // it changes nothing
		ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer cancel()
		if err := guard.Serve(ctx, linux.New(), os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	in, err := io.ReadAll(os.Stdin)
	program, noProgram := os.Executable()
	if noProgram != nil || verb == "serve" && err != nil {
		fmt.Fprintln(os.Stderr, err, noProgram)
		os.Exit(1)
	}
	if r, err := server.ReadRequest(bytes.NewReader(in)); verb == "serve" && err == nil {
		verb = string(r.Verb)
	}
	h := helper.New(stepping{linux.New(), verb, new(int)}, helper.Options{Program: program})
	if os.Args[1] == "serve" {
		os.Exit(h.Serve(bytes.NewReader(in), os.Stdout))
	}
	if err := map[string]func() error{"activate": h.Activate, "pending": h.RevertPending, "boot": h.Boot}[verb](); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
