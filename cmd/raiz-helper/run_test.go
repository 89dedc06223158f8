//go:build linux

package main_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/raiz-dns/raiz/provision/server"
)

func TestVersion(t *testing.T) {
	for _, arch := range []string{"amd64", "arm64"} {
		t.Run(arch, func(t *testing.T) {
			argv := []string{build(t, "../..", arch), "version"}
			if arch != runtime.GOARCH {
				argv = append([]string{need(t, map[string]string{"amd64": "qemu-x86_64-static", "arm64": "qemu-aarch64-static"}[arch])}, argv...)
			}
			out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
			if want := fmt.Sprintf("raiz-helper linux/%s, language %d\n", arch, server.Version); err != nil || string(out) != want {
				t.Errorf("got %q, %v; want %q", out, err, want)
			}
		})
	}
}

func TestUsage(t *testing.T) {
	program := build(t, "../..", runtime.GOARCH)
	for _, args := range [][]string{nil, {"no-such-verb"}, {"status", "more"}} {
		cmd := exec.Command(program, args...)
		var said bytes.Buffer
		cmd.Stderr = &said
		err := cmd.Run()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 64 || !strings.Contains(said.String(), "raiz-helper status") {
			t.Errorf("%q: %v: %s", args, err, said.String())
		}
	}
}

// What is no request is answered, in the language.
func TestServeRefuses(t *testing.T) {
	cmd := exec.Command(build(t, "../..", runtime.GOARCH), "serve")
	cmd.Stdin = strings.NewReader("GET / HTTP/1.1\r\n\r\n")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if _, a, err := server.ReadAnswer(out); err != nil || a.Error == nil || a.Error.Code != server.ErrRequest {
		t.Errorf("answered %s, %v", out, err)
	}
}

// A line that breaks ends no change: neither SIGHUP nor SIGPIPE kills the
// helper, and neither is ignored in what it runs.
func TestSignals(t *testing.T) {
	cmd := exec.Command(build(t, "../..", runtime.GOARCH), "serve")
	near, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	cmd.Stdin = near
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = near.Close()
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	// It is ready once it reads.
	_, _ = io.WriteString(in, "no ")
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if left, err := unix.IoctlGetInt(int(in.Fd()), unix.TIOCINQ); err != nil || time.Now().After(end) {
			t.Fatalf("%d bytes are not read, %v", left, err)
		} else if left == 0 {
			break
		}
	}
	const both = 1<<(syscall.SIGHUP-1) | 1<<(syscall.SIGPIPE-1)
	if caught, ignored := masks(t, cmd.Process.Pid); caught&both != both || ignored&both != 0 {
		t.Fatalf("caught are %x, ignored %x; both are %x", caught, ignored, both)
	}
	for _, s := range []os.Signal{syscall.SIGHUP, syscall.SIGPIPE} {
		if err := cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	_, _ = io.WriteString(in, "request")
	_ = in.Close()
	text, err := io.ReadAll(out)
	if err != nil || !bytes.Contains(text, []byte(`"done":true`)) {
		t.Errorf("it answers %q, %v", text, err)
	}
}

// masks are the signals that a process catches and ignores (proc(5)).
func masks(t *testing.T, pid int) (caught, ignored uint64) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":\t")
		switch name {
		case "SigCgt":
			caught, err = strconv.ParseUint(value, 16, 64)
		case "SigIgn":
			ignored, err = strconv.ParseUint(value, 16, 64)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return caught, ignored
}

// need skips a test that lacks a program. In CI nothing may be skipped but in
// the short form, which runs with nothing but Go and git.
func need(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err == nil {
		return path
	}
	if os.Getenv("CI") == "true" && !testing.Short() {
		t.Fatalf("%s is not installed", program)
	}
	t.Skipf("%s is not installed", program)
	return ""
}
