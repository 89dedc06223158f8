package main

import (
	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/state"
)

// identityResult is what a controller is, in JSON.
type identityResult struct {
	Vendor   string `json:"vendor"`
	Line     string `json:"line"`
	Model    string `json:"model"`
	Serial   string `json:"serial"`
	UUID     string `json:"uuid"`
	Firmware string `json:"firmware"`
	Redfish  string `json:"redfish"`
	Health   string `json:"health"`
}

// settingResult is one setting in JSON. Without a value and without a reason it
// is not set.
type settingResult struct {
	Setting     string   `json:"setting"`
	Value       []string `json:"value,omitzero"`
	Unsupported string   `json:"unsupported,omitempty"` // why it cannot be had, or, with a value, not be changed
	Unknown     string   `json:"unknown,omitempty"`     // why nobody could look
}

func settingsResult(facts []state.Fact) []settingResult {
	out := []settingResult{}
	for _, f := range facts {
		s := settingResult{Setting: f.Key.Name}
		if v, is := f.Value.(state.Attr); is {
			s.Value = append([]string{}, v.Values...)
		}
		switch {
		case f.Unsupported():
			s.Unsupported = why(f.Err)
		case f.Err != nil:
			s.Unknown = why(f.Err)
		}
		out = append(out, s)
	}
	return out
}

type infoResult struct {
	Endpoint    string          `json:"endpoint"`
	Certificate string          `json:"certificate"`
	Power       string          `json:"power"`
	Identity    identityResult  `json:"identity"`
	Licences    []string        `json:"licences"`
	Settings    []settingResult `json:"settings"`
}

func newInfoResult(d bmc.Diagnosis, certificate, power string) infoResult {
	return infoResult{d.Endpoint, certificate, power, identityResult(d.Identity), append([]string{}, d.Licences...), settingsResult(d.Settings)}
}

type quirkResult struct {
	Name string `json:"name"`
	Seen string `json:"seen"`
}

// requestsResult is what looking has cost, in JSON.
type requestsResult struct {
	Gets       int `json:"gets"`
	Writes     int `json:"writes"`
	Handshakes int `json:"handshakes"`
	Sessions   int `json:"sessions"`
}

type doctorResult struct {
	Endpoint string          `json:"endpoint"`
	Identity identityResult  `json:"identity"`
	Quirks   []quirkResult   `json:"quirks"`
	Licences []string        `json:"licences"`
	Settings []settingResult `json:"settings"`
	Cost     requestsResult  `json:"cost"`
}

func newDoctorResult(d bmc.Diagnosis) doctorResult {
	out := doctorResult{
		Endpoint: d.Endpoint, Identity: identityResult(d.Identity), Quirks: []quirkResult{},
		Licences: append([]string{}, d.Licences...), Settings: settingsResult(d.Settings), Cost: requestsResult(d.Stats),
	}
	for _, q := range d.Quirks {
		out.Quirks = append(out.Quirks, quirkResult(q))
	}
	return out
}

// powerResult is whether the server is on, in JSON.
type powerResult struct {
	Site  string `json:"site"`
	Power string `json:"power"`
}
