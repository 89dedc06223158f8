package report

import (
	"github.com/raiz-dns/raiz/provision/apply"
	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
	"github.com/raiz-dns/raiz/provision/verify"
)

// Report is all that one run has to say of one site. Parts that do not apply
// are nil.
type Report struct {
	Site  *site.Site
	Plan  *plan.Plan
	Apply *apply.Journal
	// ApplyErr is why the apply did not end as planned.
	ApplyErr error
	Verify   []verify.Result
	// Looked is how Verify came about; nil where nobody says.
	Looked *Looked
	// Past is an earlier verification, to tell what has changed since; may be nil.
	Past *Past
	// Notices are said before anything else, such as a revert that the
	// server has made by itself.
	Notices []verdict.Message
	// Declare follows an apply in which the controller has refused settings.
	Declare Declaration
	// Cost counts what the run has asked of the site.
	Cost *Cost
}

// Declaration is what is to be written into a site file.
type Declaration struct {
	Before []verdict.Message // why, and where
	Lines  []string          // as they are to be written
	After  []verdict.Message // what else is to be done
}

// Cost is what a run has asked of a site.
type Cost struct {
	SSHConnections int `json:"ssh_connections"`
	SSHExecs       int `json:"ssh_execs"`
	Uploads        int `json:"uploads"`
	BMCGets        int `json:"bmc_gets"`
	BMCWrites      int `json:"bmc_writes"`
	BMCHandshakes  int `json:"bmc_handshakes"`
}
