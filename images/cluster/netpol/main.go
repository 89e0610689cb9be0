// Command netpol enforces NetworkPolicies on Practicum's local node, and only there.
//
// A real cluster has a network plugin that does this. The local node is put
// together from package registries, none of which has an enforcer, so it has
// this one: one node, IPv4, every Pod on a wire of its own (the CNI plugin
// "ptp"), so that all of a Pod's traffic passes the node's netfilter hooks.
//
// It watches Pods, Namespaces and NetworkPolicies, renders them into one nft
// table (package-level documentation of what that table says is at render) and
// replaces that table as a whole. While it is away the rules stay as they are
// and no new Pod starts.
//
// Called by containerd as a CNI plugin it is the second half of that promise:
// it reports the new Pod to the enforcer and lets its containers start only
// when their rules are in place.
package main

import (
	"context"
	"flag"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

func main() {
	if command := os.Getenv("CNI_COMMAND"); command != "" {
		os.Exit(plugin(command, os.Getenv("CNI_ARGS"), os.Stdin, os.Stdout))
	}
	kubeconfig := flag.String("kubeconfig", "", "how to reach the API server")
	podRange := flag.String("pod-range", "", "addresses of the node's Pods, as a CIDR")
	socket := flag.String("socket", "", "where the CNI plugin reports new Pods")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := enforce(ctx, *kubeconfig, *podRange, *socket); err != nil {
		slog.Error("the enforcer ends", "error", err)
		os.Exit(1)
	}
}

func enforce(ctx context.Context, kubeconfig, podRange, socket string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	enforcer, err := newEnforcer(ctx, client, podRange, applyNft)
	if err != nil {
		return err
	}
	listener, err := listen(socket)
	if err != nil {
		return err // without it no Pod could start
	}
	go serve(ctx, listener, enforcer)
	enforcer.run(ctx)
	return nil
}
