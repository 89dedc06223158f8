package verify

import (
	"errors"

	"github.com/raiz-dns/raiz/provision/remote"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
)

// loginChecks see that the server lets us in and tells what it has.
func loginChecks(s *site.Site, e Evidence) []check {
	return []check{{
		id: "ssh.login", vantage: FromServer, title: verdict.New("ssh.login.title"),
		want:  verdict.New("ssh.login.want", verdict.Word("user", s.Server.SSH.User)),
		about: []string{"server"}, find: func() finding { return sshLogin(e) },
	}, {
		id: "os.look", vantage: FromServer, title: verdict.New("os.look.title"), want: verdict.New("os.look.want"),
		about: []string{"server"}, needs: []string{"ssh.login"}, find: func() finding { return told(e.Server) },
	}}
}

func sshLogin(e Evidence) finding {
	switch {
	case e.SSHErr == nil && e.Login == "":
		return unknown(why(errNotLooked))
	case e.SSHErr == nil:
		return pass(verdict.New("ssh.login.in", verdict.Word("where", e.Login)))
	case errors.Is(e.SSHErr, remote.ErrHostKey):
		return fail(verdict.New("ssh.login.other-key")).with(why(e.SSHErr))
	case errors.Is(e.SSHErr, remote.ErrAuth):
		return fail(verdict.New("ssh.login.refused")).with(why(e.SSHErr))
	}
	return finding{status: Unknown, got: []verdict.Message{verdict.New("ssh.login.silent")}}.with(why(e.SSHErr))
}

func told(e ServerEvidence) finding {
	if e.Err != nil {
		return unknown(why(e.Err))
	}
	if e.Units == nil && e.UnitsErr == nil {
		return unknown(why(errNotLooked))
	}
	return pass(verdict.New("os.look.answer")).with(runs(e.System)...)
}

// runs says what the server runs: whoever reads the verdicts later wants to know
// of which versions they speak.
func runs(s System) []verdict.Message {
	if s.OS == "" {
		return nil
	}
	out := []verdict.Message{verdict.New("os.look.system", verdict.Seen("os", s.OS), verdict.Seen("arch", s.Arch))}
	if s.Generation > 0 {
		out = append(out, verdict.New("os.look.generation", verdict.Count("generation", s.Generation)))
	}
	for _, p := range s.Packages {
		out = append(out, verdict.New("os.look.package", verdict.Word("package", p.Name), verdict.Seen("version", p.Version)))
	}
	return out
}

func loginCodes() []verdict.Definition {
	return []verdict.Definition{
		verdict.Define("ssh.login.title", "the login to the server"),
		verdict.Define("ssh.login.want", "a login is wanted", verdict.TypeWord.Named("user")),
		verdict.Define("ssh.login.in", "somebody is logged in", verdict.TypeWord.Named("where")),
		verdict.Define("ssh.login.other-key", "the server has another host key than the site declares"),
		verdict.Define("ssh.login.refused", "the server refuses the login"),
		verdict.Define("ssh.login.silent", "the server does not answer SSH"),
		verdict.Define("os.look.title", "one look at everything on the server"),
		verdict.Define("os.look.want", "the look has to be answered"),
		verdict.Define("os.look.answer", "the look was answered"),
		verdict.Define("os.look.system", "the operating system of the server", verdict.TypeSeen.Named("os"), verdict.TypeSeen.Named("arch")),
		verdict.Define("os.look.generation", "the generation that is confirmed on the server", verdict.TypeCount.Named("generation")),
		verdict.Define("os.look.package", "the version of a package that the copy lives by", verdict.TypeWord.Named("package"), verdict.TypeSeen.Named("version")),
	}
}
