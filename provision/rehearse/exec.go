//go:build linux

package rehearse

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	waiting "github.com/raiz-dns/raiz/provision/await"
)

// killGrace is how long a command may take to die once its context is over.
const killGrace = 2 * time.Second

// tools are the programs the testbed is built with, and where Debian has them.
func tools() map[string]string {
	return map[string]string{
		"ip":             "iproute2",
		"mmdebstrap":     "mmdebstrap",
		"mount":          "mount",
		"nsenter":        "util-linux",
		"setpriv":        "util-linux",
		"systemd-nspawn": "systemd-container",
		"unshare":        "util-linux",
	}
}

// Ready returns why no testbed can be built on this machine, or nil.
func Ready() error {
	var errs []error
	if os.Geteuid() != 0 {
		errs = append(errs, errors.New("rehearse as this user: namespaces and mounts need root: use sudo"))
	}
	all := tools()
	for _, name := range sortedKeys(all) {
		if _, err := exec.LookPath(name); err != nil {
			errs = append(errs, fmt.Errorf("find %s: not installed: apt-get install %s", name, all[name]))
		}
	}
	return errors.Join(errs...)
}

// run runs a command to its end and returns what it printed. The error holds
// the end of what it said on stderr.
func run(ctx context.Context, argv ...string) (string, error) {
	return output(command(ctx, argv...))
}

func command(ctx context.Context, argv ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.WaitDelay = killGrace
	return cmd
}

func output(cmd *exec.Cmd) (string, error) { return outputIn(cmd, (*exec.Cmd).Start) }

// outputIn is output of a command that is started in another way.
func outputIn(cmd *exec.Cmd, start func(*exec.Cmd) error) (string, error) {
	var out, problem bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problem
	err := start(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		text := strings.TrimSpace(problem.String())
		if text == "" {
			text = strings.TrimSpace(out.String())
		}
		return out.String(), fmt.Errorf("run %s: %w: %s", strings.Join(cmd.Args, " "), err, lastLines(text, 5))
	}
	return out.String(), nil
}

// confined puts argv under the capabilities that a machine of the rehearsal
// has. nsenter leaves root's own in place, and with those `date -s` inside
// sets the clock of the machine we run on.
func confined(argv ...string) []string {
	return append([]string{"setpriv", "--inh-caps", "-all", "--bounding-set",
		"-sys_time,-sys_module,-sys_rawio,-syslog,-wake_alarm,-mac_admin,-mac_override", "--"}, argv...)
}

// await asks again and again until done says yes, an error comes, or the
// context ends.
func await(ctx context.Context, what string, done func() (bool, error)) error {
	err := waiting.Until(ctx, 25*time.Millisecond, func(context.Context) (bool, error) { return done() })
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		err = context.Cause(ctx)
	}
	return fmt.Errorf("await %s: %w", what, err)
}

func lastLines(text string, n int) string {
	lines := strings.Split(text, "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return strings.Join(lines, "\n")
}
