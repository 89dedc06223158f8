package helper

import (
	"errors"
	"io/fs"
	"net/netip"
	"time"

	"github.com/raiz-dns/raiz/provision/server"
)

// OS is all that the helper knows of the operating system. The real one is in
// package linux; the one in package sim loses at a crash what was not flushed.
// One contract is run on both.
//
// No method takes a context: a change that has begun is ended by its own time
// limits, or by the death of the machine, and both are tried.
type OS interface {
	Files
	Units
	Kernel
	Machine
	Surroundings
}

// Files are absolute, clean paths. No method follows a symbolic link, in
// whatever part of the path: one on the way is ErrLink. A name that is not
// there is fs.ErrNotExist, one that is there already fs.ErrExist.
type Files interface {
	// Look says what stands at a path.
	Look(path string) (Info, error)
	// Read returns the bytes of a regular file, at most server.MaxFile.
	Read(path string) ([]byte, error)
	// List returns the names in a directory, sorted.
	List(dir string) ([]string, error)
	// Create makes a new file whole. Its owner and mode are set before it has
	// bytes. It is ErrExposed where somebody but root may change the
	// directory. Nothing is flushed.
	Create(path string, data []byte, a Attributes) error
	// Symlink makes a new link with that text.
	Symlink(text, path string) error
	// Link gives a file, or a link itself, a second name.
	Link(path, second string) error
	// Rename moves a name over another one of the same file system, at once.
	Rename(from, to string) error
	// Remove takes away a file, a link, or an empty directory.
	Remove(path string) error
	// MakeDir makes one directory, of root and with that mode.
	MakeDir(path string, mode fs.FileMode) error
	// Flush returns once a file's bytes, or the names in a directory, are on
	// the disk (fsync(2)).
	Flush(path string) error
	// Safe returns the nearest directory above a path that is on the same
	// file system and that nobody but root may change.
	Safe(path string) (dir string, err error)
}

// Errors of Files.
var (
	ErrLink    = errors.New("a symbolic link is on the way")
	ErrExposed = errors.New("somebody but root may change the directory")
)

// Attributes are what a file is made with.
type Attributes struct {
	Mode         fs.FileMode // permission bits
	Owner, Group string
}

// Info is what stands at a path.
type Info struct {
	Kind server.Kind // file, link or other
	Attributes
	Fixed   bool   // nobody may replace it: immutable, or append-only (chattr(1))
	Special bool   // it has a set-user-ID, set-group-ID or sticky bit
	Link    string // text of a link
	Size    int64
	// Stamp changes whenever the file does: inode, size, time of change.
	Stamp string
}

// Units are systemd's. Names are whole, as in "a.service".
type Units interface {
	// Units says how units are; one that systemd does not know is Load
	// "not-found".
	Units(names []string) (map[string]server.UnitFact, error)
	// Do has systemd do something and returns when it is done, or after the
	// limit with ErrTimeout. An error names both.
	Do(op Op, unit string, limit time.Duration) error
	// Arm has systemd start the unit RevertUnit after a time, in place of what
	// was armed before.
	Arm(after time.Duration) error
	// Disarm takes that back. Nothing armed is no error.
	Disarm() error
	// IsArmed reports whether it will be started.
	IsArmed() (bool, error)
	// Said returns the last words of a unit since a time, in one line.
	Said(unit string, since time.Time) string
}

// Op is what systemd can be asked to do.
type Op string

// The operations. Those with Soon ask and do not wait: systemd may be waiting
// for the very program that asks.
const (
	OpStart     Op = "start"
	OpStop      Op = "stop"
	OpRestart   Op = "restart"
	OpReload    Op = "reload" // or restart, where the unit cannot reload; or start, where it does not run
	OpEnable    Op = "enable"
	OpDisable   Op = "disable"
	OpReset     Op = "reset-failed"
	OpStartSoon Op = "start-soon"
	OpStopSoon  Op = "stop-soon"
	OpReread    Op = "daemon-reload" // of no unit: systemd reads the files of all units anew
)

// ErrTimeout says that something was not done within its limit.
var ErrTimeout = errors.New("it did not end within its time")

// Kernel is the network of the kernel (rtnetlink(7)).
type Kernel interface {
	// Way says which route a packet from here would take; nothing is sent.
	Way(from, to netip.Addr) (server.Route, error)
	// Network returns links, addresses that are not link-local, and the routes
	// and rules that neither the kernel nor a routing daemon made.
	//
	// To add what is there already is fs.ErrExist; to delete what is not
	// there, and to name a link that is not there, is fs.ErrNotExist. A route
	// comes behind another one to the same place with the same metric.
	Network() (server.Network, error)
	AddAddress(link string, a server.AddressFact) error
	// SetLink gives a link the MTU, and sets it up or down, as the fact says.
	SetLink(l server.LinkFact) error
	DelAddress(link string, address string) error
	AddRoute(r server.Route) error
	DelRoute(r server.Route) error
	AddRule(r server.Rule) error
	DelRule(r server.Rule) error
	// Sysctls returns the parameters of a name, which has its parts parted by
	// slashes and "*" for any: each that there is and that may be set here, by its
	// own name, with what it is. None at all is no error.
	Sysctls(name string) (map[string]string, error)
	// SetSysctl is fs.ErrNotExist for a parameter that there is not.
	SetSysctl(name, value string) error
	// Apart runs commands one after the other in a network namespace of their
	// own, which goes with the last of them, and returns what that one printed.
	Apart(commands [][]string, limit time.Duration) (output string, err error)
}

// Machine is the rest.
type Machine interface {
	// Now is the wall clock; Uptime the time since the boot, which nobody
	// sets.
	Now() time.Time
	Uptime() time.Duration
	BootID() string
	Sleep(d time.Duration)
	// Run runs a command without a shell, with nothing on stdin, and ends it
	// and its children after the limit with ErrTimeout. The output, both
	// streams, is cut at server.MaxPrinted bytes. An exit code other than 0 is
	// an error; a program that is not there is fs.ErrNotExist. Several may run
	// side by side.
	Run(argv []string, limit time.Duration) (output string, err error)
	// Ask sends DNS messages from here, side by side, and returns what came
	// back for each, in their order. Only what comes from the address that was
	// asked, with the identifier of the question, is an answer. Each waits at
	// most so long.
	Ask(questions []server.DNSQuestion, limit time.Duration) []server.DNSAnswer
	// Lock takes the exclusive lock of a file, waiting at most so long, and
	// writes down who has it; else it is ErrLocked. The lock ends with the
	// process, or with unlock.
	Lock(path, who string, wait time.Duration) (unlock func(), err error)
	// Packages returns the versions of those that are installed.
	Packages(names []string) (map[string]string, error)
	System() System
	// Log adds a line to a log for people, as well as it can.
	Log(line string)
}

// Surroundings are what others have on the machine.
type Surroundings interface {
	// Sockets returns those that listen, and of UDP those without another side,
	// on other addresses than the loopback's.
	Sockets() ([]server.Socket, error)
	// Failed returns the units that have failed.
	Failed() ([]string, error)
	// Disk looks at the file system that a path is on.
	Disk(path string) (server.Disk, error)
}

// ErrLocked says that somebody else holds the lock; its text says who.
var ErrLocked = errors.New("locked")

// System is what a machine says of itself.
type System struct{ Hostname, OS, Arch string }

// The units of the helper itself. They are static files, so that nothing has
// to be made when a way back is needed.
const (
	ActivateUnit = "raiz-activate.service"
	RevertUnit   = "raiz-revert.service"
	BootUnit     = "raiz-boot.service"
)
