package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

const conf = `{"cniVersion": "0.4.0", "name": "n", "type": "practicum-netpol", "socket": %q,
 "prevResult": {"ips": [{"version": "4", "address": "10.0.0.7/24"}]}}`

const args = "IgnoreUnknown=1;K8S_POD_NAMESPACE=x;K8S_POD_NAME=a;K8S_POD_UID=xa"

func call(command, config string) (int, map[string]any) {
	var out bytes.Buffer
	code := plugin(command, args, strings.NewReader(config), &out)
	var said map[string]any
	_ = json.Unmarshal(out.Bytes(), &said) // nothing is a valid answer
	return code, said
}

func TestThePluginWaitsForTheRulesAndPassesOnTheResult(t *testing.T) {
	kernel := &fakeKernel{}
	e, _ := start(t, kernel, pod("x", "a", ""))
	socket := filepath.Join(t.TempDir(), "s")
	listener, err := listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	go serve(t.Context(), listener, e)
	config := strings.Replace(conf, "%q", `"`+socket+`"`, 1)
	var code int
	var said map[string]any
	for code = 1; code != 0 && t.Context().Err() == nil; {
		code, said = call("ADD", config) // refused until the socket is there
	}
	if said["ips"] == nil || !kernel.contains("10.0.0.7") {
		t.Errorf("code %d, said %v", code, said)
	}
}

func TestThePluginFailsWhileTheEnforcerIsAway(t *testing.T) {
	code, said := call("ADD", strings.Replace(conf, "%q", `"/nowhere"`, 1))
	if code != 1 || said["code"] != float64(tryAgainLater) {
		t.Errorf("code %d, said %v", code, said)
	}
}

func TestThePluginNeedsAnAddress(t *testing.T) {
	for _, config := range []string{`{}`, `{"prevResult": {"ips": [{"address": "fd00::1/64"}]}}`, `nonsense`} {
		if code, _ := call("ADD", config); code != 1 {
			t.Errorf("%s: code %d", config, code)
		}
	}
}

func TestThePluginHasNothingToUndo(t *testing.T) {
	if code, said := call("DEL", `{}`); code != 0 || said != nil {
		t.Errorf("code %d, said %v", code, said)
	}
	if code, said := call("VERSION", ``); code != 0 || said["supportedVersions"] == nil {
		t.Errorf("code %d, said %v", code, said)
	}
}
