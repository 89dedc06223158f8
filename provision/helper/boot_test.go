package helper_test

import (
	"slices"
	"syscall"
	"testing"

	"github.com/raiz-dns/raiz/provision/helper"
	"github.com/raiz-dns/raiz/provision/helper/sim"
	"github.com/raiz-dns/raiz/provision/state"
)

// unread is an operating system that cannot read some files.
type unread struct {
	helper.OS
	files []string
}

func (u unread) Read(file string) ([]byte, error) {
	if slices.Contains(u.files, file) {
		return nil, syscall.EIO
	}
	return u.OS.Read(file)
}

// A boot that cannot read what is pending has the whole revert follow: the timer
// has gone with the power.
func TestBootThatCannotReadWhatIsPending(t *testing.T) {
	pending := state.Home + "/pending"
	for _, c := range []struct {
		name   string
		unread []string
		starts int
	}{{"nothing is pending", nil, 0}, {"it cannot be read", []string{pending}, 1}} {
		t.Run(c.name, func(t *testing.T) {
			started := 0
			m := sim.Bench(sim.Programs{Revert: func(helper.OS) error { started++; return nil }})
			err := helper.New(unread{m.Console(), c.unread}, helper.Options{Program: "/bin/raiz-helper"}).Boot()
			m.Console().Sleep(1)
			if started != c.starts || (err != nil) != (c.unread != nil) {
				t.Errorf("the revert was started %d times, want %d; %v", started, c.starts, err)
			}
		})
	}
}
