package server

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/state"
)

// Bounds of what is said of what runs.
const (
	maxSysctls  = 1024
	maxSettings = 256
	// MaxAmiss is how many differences are told of one file.
	MaxAmiss    = 64
	maxAmissing = 1024 // bytes of one
)

var sysctlName = regexp.MustCompile(`^(\*|[A-Za-z0-9_.-]+)(/(\*|[A-Za-z0-9_.-]+))+$`)

// checkRuntime holds what is to be in effect to what the language allows.
func checkRuntime(r *state.Runtime) error {
	if r == nil {
		return nil
	}
	if len(r.Sysctls) > maxSysctls || len(r.Settings) > maxSettings || len(r.Clears) > maxWord {
		return errors.New("too much is to be in effect")
	}
	for _, s := range r.Sysctls {
		if err := checkSysctl(s); err != nil {
			return err
		}
	}
	shown := len(r.Settings) > 0 || len(r.Loads) > 0
	if shown != (len(r.Shows) > 0) {
		return errors.New("what a program shows is to be compared, and nothing says with what; or the other way round")
	}
	if len(r.Settings) > 0 && len(r.Loads) > 0 {
		return errors.New("what runs is compared with settings, or with what a file makes")
	}
	if len(r.Loads) > 0 && !slices.Contains(r.Loads, "{}") {
		return errors.New(`what loads a file has no "{}", which stands for it`)
	}
	for name, value := range r.Settings {
		if err := word(name); err != nil {
			return err
		}
		if err := text("setting "+name, value, maxWord); err != nil {
			return err
		}
	}
	return errors.Join(command(r.Shows), command(r.Loads))
}

func checkSysctl(s state.Sysctl) error {
	if !sysctlName.MatchString(s.Name) || slices.Contains(strings.Split(s.Name, "/"), "..") || slices.Contains(strings.Split(s.Name, "/"), ".") {
		return fmt.Errorf("%.80q is no parameter of the kernel", s.Name)
	}
	return text("the value of "+s.Name, s.Value, 256)
}

// check bounds what is told of what runs.
func (f FileFact) check() error {
	if len(f.Amiss) > MaxAmiss {
		return fmt.Errorf("%d differences", len(f.Amiss))
	}
	for _, line := range append([]string{f.Unseen}, f.Amiss...) {
		if len(line) > maxAmissing {
			return fmt.Errorf("a difference of %d bytes", len(line))
		}
	}
	return nil
}

// Told is a line that may be told: printable, and not too long.
func Told(line string) string {
	line = strings.Map(func(r rune) rune {
		if r == '\t' {
			return ' '
		}
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return '?'
		}
		return r
	}, line)
	return strings.ToValidUTF8(line[:min(len(line), maxAmissing)], "")
}
