package apply

import (
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/provision/verdict"
)

// Setting is the step that changes one setting of the BMC.
func Setting(k state.Key) verdict.Message {
	return verdict.New("apply.setting", verdict.Word("name", k.Name))
}

// SettingOf is the name of the setting that a step changes, if it does.
func SettingOf(step verdict.Message) (name string, ok bool) {
	arg, ok := step.Arg("name")
	return arg.String(), ok && step.Code == "apply.setting"
}

// Message is the outcome as it is said.
func (o Outcome) Message() verdict.Message {
	switch o {
	case Done:
		return verdict.New("apply.done")
	case Waits:
		return verdict.New("apply.waits")
	case Queued:
		return verdict.New("apply.queued")
	case Unsupported:
		return verdict.New("apply.unsupported")
	case Failed:
		return verdict.New("apply.failed")
	case Reverted:
		return verdict.New("apply.reverted")
	case NotTried:
		return verdict.New("apply.not-tried")
	}
	return verdict.New("apply.unknown")
}

// Codes are what steps and outcomes are said with.
func Codes() []verdict.Definition {
	return []verdict.Definition{
		verdict.Define("apply.bmc", "step: all settings of the BMC"),
		verdict.Define("apply.setting", "step: one setting of the BMC", verdict.TypeWord.Named("name")),
		verdict.Define("apply.packages", "step: packages are installed"),
		verdict.Define("apply.server", "step: all that changes on the server"),
		verdict.Define("apply.lifeline", "step: the other way in is proven, before this one may be cut"),
		verdict.Define("apply.activate", "step: the server stages the generation, arms the revert and activates it"),
		verdict.Define("apply.confirm", "step: a new connection finds everything in order and confirms"),
		verdict.Define("apply.done", "outcome: it is as planned, and that was seen"),
		verdict.Define("apply.waits", "outcome: it is written, and takes effect at the next reboot of the server"),
		verdict.Define("apply.queued", "outcome: it can be written once the server has been rebooted; nothing changed"),
		verdict.Define("apply.unsupported", "outcome: this machine cannot have it; nothing changed"),
		verdict.Define("apply.failed", "outcome: it is as it was before"),
		verdict.Define("apply.reverted", "outcome: it was changed and has been put back"),
		verdict.Define("apply.unknown", "outcome: nobody knows; it was not seen after it had been tried"),
		verdict.Define("apply.not-tried", "outcome: an earlier step did not end well"),
	}
}
