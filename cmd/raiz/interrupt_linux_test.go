package main

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/rehearse"
)

// TestInterruptedRehearsal ends a rehearsal whose output goes through a pipe,
// in every way that people and machines have: the reader dies with the Ctrl-C,
// or alone, or a service manager asks. Nothing is left behind.
func TestInterruptedRehearsal(t *testing.T) {
	if testing.Short() {
		t.Skip("boots machines")
	}
	if err := rehearse.Ready(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	raiz := filepath.Join(t.TempDir(), "raiz")
	if out, err := exec.Command("go", "build", "-o", raiz, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, tt := range []struct {
		name   string
		at     string // the line of stderr that it is ended after
		signal syscall.Signal
		want   exitCode
	}{
		{"Ctrl-C while it boots", "boot server", syscall.SIGINT, exitInterrupted},
		{"Ctrl-C while it applies", "==> apply", syscall.SIGINT, exitInterrupted},
		{"terminated", "==> plan", syscall.SIGTERM, exitInterrupted},
		{"hung up", "==> apply", syscall.SIGHUP, exitInterrupted},
		{"nobody reads any more", "==> plan", 0, exitError},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), raiz, "rehearse", "../../sites/as112-gru1.hcl")
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			said, err := cmd.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var lines []string
			for in := bufio.NewScanner(said); in.Scan(); {
				lines = append(lines, in.Text())
				if strings.Contains(in.Text(), tt.at) {
					_ = out.Close() // tail dies first
					if tt.signal != 0 {
						_ = syscall.Kill(-cmd.Process.Pid, tt.signal)
					}
				}
			}
			err = cmd.Wait()
			var ended *exec.ExitError
			all := strings.Join(lines, "\n")
			if !errors.As(err, &ended) || exitCode(ended.ExitCode()) != tt.want {
				t.Errorf("ended with %v, want %d:\n%s", err, tt.want, all)
			}
			if tt.signal != 0 && !strings.Contains(all, "interrupted") {
				t.Errorf("does not say that it was interrupted:\n%s", all)
			}
			if strings.Contains(tt.at, "==>") && !strings.Contains(all, "==> take it down") {
				t.Errorf("does not say that it takes it down:\n%s", all)
			}
			records, err := rehearse.List()
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range records {
				if r.Owner == cmd.Process.Pid && r.Created.After(start.Add(-time.Minute)) {
					t.Errorf("left %s behind:\n%s", r.ID, all)
				}
			}
		})
	}
}
