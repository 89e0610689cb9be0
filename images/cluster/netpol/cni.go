package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"
)

const (
	patience      = 20 * time.Second
	tryAgainLater = 11 // of the CNI specification
)

// report is what the plugin tells the enforcer; one JSON object each way.
type report struct {
	Namespace, Name, UID, IP string
}

type answer struct {
	Error string
}

// netConf is the part of the CNI configuration that we read.
type netConf struct {
	CNIVersion string          `json:"cniVersion"`
	Socket     string          `json:"socket"`
	PrevResult json.RawMessage `json:"prevResult"`
}

// plugin is one call by the container runtime, as the CNI specification has it:
// a chained plugin that changes nothing in what the plugin before it did.
func plugin(command, arguments string, in io.Reader, out io.Writer) int {
	if command == "VERSION" {
		fmt.Fprintln(out, `{"cniVersion": "1.0.0", "supportedVersions": ["0.3.1", "0.4.0", "1.0.0"]}`)
		return 0
	}
	if command != "ADD" {
		return 0
	}
	var conf netConf
	err := json.NewDecoder(in).Decode(&conf)
	if err == nil {
		err = announce(conf, arguments)
	}
	if err != nil {
		failure := map[string]any{"cniVersion": conf.CNIVersion, "code": tryAgainLater, "msg": err.Error()}
		_ = json.NewEncoder(out).Encode(failure) // nobody is left to tell
		return 1
	}
	fmt.Fprintln(out, string(conf.PrevResult))
	return 0
}

func announce(conf netConf, arguments string) error {
	ip, err := podAddress(conf.PrevResult)
	if err != nil {
		return err
	}
	args := parseArgs(arguments)
	connection, err := net.DialTimeout("unix", conf.Socket, patience)
	if err != nil {
		return fmt.Errorf("the enforcer of NetworkPolicies is away: %w", err)
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	pod := report{args["K8S_POD_NAMESPACE"], args["K8S_POD_NAME"], args["K8S_POD_UID"], ip}
	if err := json.NewEncoder(connection).Encode(pod); err != nil {
		return err
	}
	var said answer
	if err := json.NewDecoder(connection).Decode(&said); err != nil {
		return err
	}
	if said.Error != "" {
		return errors.New(said.Error)
	}
	return nil
}

// podAddress is the IPv4 address that the plugin before us gave the Pod.
func podAddress(result json.RawMessage) (string, error) {
	var previous struct {
		IPs []struct {
			Address string `json:"address"`
		} `json:"ips"`
	}
	if len(result) == 0 {
		return "", errors.New("no result of another plugin: this one only works after it")
	}
	if err := json.Unmarshal(result, &previous); err != nil {
		return "", err
	}
	for _, ip := range previous.IPs {
		if prefix, err := netip.ParsePrefix(ip.Address); err == nil && prefix.Addr().Is4() {
			return prefix.Addr().String(), nil
		}
	}
	return "", errors.New("the Pod has no IPv4 address")
}

// parseArgs reads CNI_ARGS: KEY=VALUE pairs, separated by semicolons.
func parseArgs(arguments string) map[string]string {
	found := map[string]string{}
	for pair := range strings.SplitSeq(arguments, ";") {
		if key, value, ok := strings.Cut(pair, "="); ok {
			found[key] = value
		}
	}
	return found
}

// listen makes the socket that the plugin calls.
func listen(socket string) (net.Listener, error) {
	_ = os.Remove(socket) // one of a former process
	return net.Listen("unix", socket)
}

// serve answers the plugin's calls until the context ends.
func serve(ctx context.Context, listener net.Listener, e *enforcer) {
	context.AfterFunc(ctx, func() { listener.Close() })
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer connection.Close()
			var said answer
			if err := handle(ctx, connection, e); err != nil {
				said.Error = err.Error()
			}
			_ = json.NewEncoder(connection).Encode(said) // the plugin may have given up
		}()
	}
}

func handle(ctx context.Context, connection io.Reader, e *enforcer) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var pod report
	if err := json.NewDecoder(connection).Decode(&pod); err != nil {
		return err
	}
	return e.admit(ctx, podKey{pod.Namespace, pod.Name, pod.UID}, pod.IP)
}
