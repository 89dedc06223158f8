package verify

import "github.com/raiz-dns/raiz/provision/verdict"

// Message is the verdict as it is said.
func (s Status) Message() verdict.Message {
	switch s {
	case Pass:
		return verdict.New("status.pass")
	case Warn:
		return verdict.New("status.warn")
	case Fail:
		return verdict.New("status.fail")
	case Skipped:
		return verdict.New("status.skipped")
	case OtherInstance:
		return verdict.New("status.other-instance")
	}
	return verdict.New("status.unknown")
}

// Message is the place as it is said.
func (v Vantage) Message() verdict.Message {
	switch v {
	case FromBMC:
		return verdict.New("vantage.bmc")
	case FromRouter:
		return verdict.New("vantage.router")
	case FromOutside:
		return verdict.New("vantage.outside")
	}
	return verdict.New("vantage.server")
}

func resultCodes() []verdict.Definition {
	return []verdict.Definition{
		verdict.Define("status.pass", "it is as it has to be, and that was seen"),
		verdict.Define("status.warn", "worth a look"),
		verdict.Define("status.fail", "it is not as it has to be"),
		verdict.Define("status.unknown", "nobody could look"),
		verdict.Define("status.skipped", "there was nothing to look at, or another check has to pass first"),
		verdict.Define("status.other-instance", "another copy has answered"),
		verdict.Define("vantage.bmc", "seen through the BMC"),
		verdict.Define("vantage.server", "seen from the server"),
		verdict.Define("vantage.router", "seen from the host's router"),
		verdict.Define("vantage.outside", "seen from somewhere else"),
	}
}
