package state

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Home is where raiz keeps its own things on a server.
const Home = "/var/lib/raiz"

// CheckPath refuses a path that a server does not take as that of a managed
// file: its lines could not carry it, or it is the kernel's or raiz's own.
func CheckPath(path string) error {
	if !strings.HasPrefix(path, "/") || strings.HasSuffix(path, "/") || strings.Contains(path, "//") || strings.Contains(path+"/", "/../") || strings.Contains(path+"/", "/./") {
		return fmt.Errorf("path %q is not absolute and clean", path)
	}
	if err := CheckWord(path); err != nil {
		return fmt.Errorf("path %q: %w", path, err)
	}
	if strings.HasSuffix(path, ".raiz-new") || strings.HasSuffix(path, ".raiz-old") {
		return fmt.Errorf("path %q: raiz keeps that name for itself", path)
	}
	top, _, _ := strings.Cut(path[1:], "/")
	if slices.Contains([]string{"dev", "proc", "run", "sys"}, top) {
		return fmt.Errorf("path %q: what is in /%s is gone after a boot, or is no file", path, top)
	}
	if strings.HasPrefix(path+"/", Home+"/") || strings.HasPrefix(Home, path+"/") {
		return fmt.Errorf("path %q: raiz keeps %s for itself", path, Home)
	}
	if ownUnit.MatchString(path) {
		return fmt.Errorf("path %q: that unit is one of raiz itself", path)
	}
	return nil
}

// ownUnit finds the path of a unit by which the server reverts, goes on after
// a boot, or makes a change; of a drop-in of it or a link to it too.
var ownUnit = regexp.MustCompile(`/systemd/.*\braiz-(activate|boot|revert)\.`)

var (
	unitName    = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9:._@+-]*\.(service|socket|timer|path|target|mount)$`)
	packageName = regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]+$`)
)

// CheckUnit refuses what is no name of a unit of systemd, and raiz's own.
func CheckUnit(name string) error {
	if !unitName.MatchString(name) {
		return fmt.Errorf("unit %q: a unit has letters, digits and ._@:+- in its name, and ends in .service, .socket, .timer, .path, .mount or .target", name)
	}
	if strings.Contains(name, "raiz-") && ownUnit.MatchString("/systemd/"+name) {
		return fmt.Errorf("unit %q is one of raiz itself", name)
	}
	return nil
}

// CheckPackage refuses what is no name of a package of Debian (Debian Policy
// 5.6.1).
func CheckPackage(name string) error {
	if !packageName.MatchString(name) {
		return fmt.Errorf("package %q: a name has small letters, digits and +.-, two at least, and begins with a letter or digit", name)
	}
	return nil
}

// CheckWord holds what the lines of a server can carry: no white space, and
// nothing that a shell or sed would take for its own.
func CheckWord(w string) error {
	ok := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._@:+-", r)
	}
	if w == "" || strings.HasPrefix(w, "-") || strings.ContainsFunc(w, func(r rune) bool { return !ok(r) }) {
		return errors.New("only letters, digits and /._@:+- are allowed")
	}
	return nil
}
