package invoke

import (
	"errors"
	"fmt"
	"strings"

	"github.com/raiz-dns/raiz/provision/remote"
	"github.com/raiz-dns/raiz/provision/server"
)

// reply reads what was heard.
func reply(r server.Request, result remote.Result, err error) (server.Reply, error) {
	fail := func(err error) error { return fmt.Errorf("ask the server to %s: %w", r.Verb, err) }
	switch result.Code {
	case exitMachine:
		return server.Reply{}, fail(fmt.Errorf("%w: there is none for a %.40q", ErrInstall, lastLine(result.Stdout)))
	case exitInstall:
		return server.Reply{}, fail(fmt.Errorf("%w below %s: %s%s. Whatever is pending there reverts by itself", ErrInstall, Dir, result.Stderr, inTheWay(result.Stderr)))
	case exitNoExec:
		return server.Reply{}, fail(fmt.Errorf("%w below %s: nothing may be run there; on the server type: mount -o remount,exec %s", ErrInstall, Dir, lastLine([]byte(result.Stderr))))
	}
	if errors.Is(err, ErrInstall) {
		return server.Reply{}, fail(err)
	}
	events, answer, bad := server.ReadAnswer(result.Stdout)
	heard := server.Reply{Events: events, Answer: answer}
	switch {
	case bad == nil:
		eaten(answer.Error)
		return heard, nil
	case err != nil:
		return heard, fail(err)
	case result.Code != 0:
		return heard, fail(fmt.Errorf("exit %d: %s%s", result.Code, words(result), cause(result)))
	case len(events) == 0:
		return heard, fail(fmt.Errorf("%w; does this login run another command than it is asked to: a ForceCommand of sshd, a shell of its own, a .bashrc that ends with exit or exec?", bad))
	}
	return heard, fail(bad)
}

// lastLine is the last of what was printed, whatever a login prints before.
func lastLine(said []byte) string {
	text := strings.TrimSpace(string(said))
	return strings.TrimSpace(text[strings.LastIndexByte(text, '\n')+1:])
}

// words are what was printed beside an exit code.
func words(r remote.Result) string {
	if r.Stderr == "" && len(r.Stdout) > 0 {
		return fmt.Sprintf("%.80q", strings.TrimSpace(string(r.Stdout)))
	}
	return r.Stderr
}

// inTheWay is what to do about what kept the helper from its place.
func inTheWay(stderr string) string {
	has := func(words string) bool { return strings.Contains(stderr, words) }
	switch {
	case has("No space left"), has("Read-only file system"), has("Disk quota"):
		return "; is its disk full or read-only?"
	case has("Not a directory"), has("File exists"):
		return "; what stands there is not raiz's: move it away"
	case has("Operation not permitted"):
		return "; is something there immutable? lsattr tells"
	}
	return ""
}

// cause is what keeps a command line from being run, where that can be told.
func cause(r remote.Result) string {
	has := func(words string) bool { return strings.Contains(r.Stderr, words) }
	root := `; raiz needs sudo without a password for this user, or ssh.user = "root"`
	switch {
	case has("sudo:") && (has("must have a tty") || has("requiretty")):
		return root + `; sudoers wants a terminal: write Defaults:USER !requiretty for this user`
	case has("sudo:") && has("password"):
		return root + `; sudoers asks for one: write NOPASSWD: ALL in place of PASSWD: for this user, after every other rule for it`
	case has("sudo:"):
		return root
	case r.Code == 126:
		return "; the server may not run what is below " + Dir + ": is that mounted noexec (findmnt -T " + Dir + "), or does a security module refuse it?"
	case r.Code == 1 && r.Stderr == "":
		return "; is the shell of this login nologin or false? getent passwd tells; raiz needs sh or bash"
	}
	return ""
}

// eaten adds the likely cause to the answer that a request did not arrive: SSH
// loses nothing of it, so somebody else on the server has read it.
func eaten(e *server.Error) {
	if e == nil || e.Code != server.ErrRequest || e.Next != "" {
		return
	}
	if strings.HasSuffix(e.Text, "EOF") || strings.Contains(e.Text, "gzip:") || strings.Contains(e.Text, "flate:") {
		e.Next = "something on the server has read what raiz sent: does the .bashrc or .profile of this login read its stdin?"
	}
}
