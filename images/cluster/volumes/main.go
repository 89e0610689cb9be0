// Command volumes provides PersistentVolumes on Practicum's local node, and only there.
//
// A volume is a folder of the machine. Its size is not enforced: folders share
// their disk. Everything else (when to make one, when to delete it, what to do
// when that fails) is the library's that all external provisioners use.
//
// It runs on the node itself and makes a folder in no time. A provisioner in a
// Pod may not touch the node's disk, so it starts another Pod for every volume
// that it makes or deletes: seconds each, when thirty trainees start at once.
package main

import (
	"context"
	"flag"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

const (
	provisionerName = "practicum.dev/folder"
	retryPause      = 250 * time.Millisecond
	longestPause    = 30 * time.Second
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "how to reach the API server")
	root := flag.String("root", "", "the folder that volumes are made in")
	node := flag.String("node", "", "the node whose folder that is")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *kubeconfig, folders{root: *root, node: *node}); err != nil {
		slog.Error("no volumes any more", "error", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, kubeconfig string, provisioner folders) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	// Thirty claims at once are few calls; the client's usual limit would stretch them.
	config.QPS, config.Burst = 100, 200
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	waitForRights(ctx, client)
	controller.NewProvisionController(
		ctx, client, provisionerName, provisioner,
		controller.LeaderElection(false),
		controller.RetryIntervalMax(longestPause),
	).Run(ctx)
	return nil
}

// waitForRights polls until we may read: in a new cluster that takes a moment, and
// an informer that was refused would wait far longer between its attempts.
func waitForRights(ctx context.Context, client kubernetes.Interface) {
	for ctx.Err() == nil {
		one := metav1.ListOptions{Limit: 1}
		if _, err := client.StorageV1().StorageClasses().List(ctx, one); err == nil {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(retryPause):
		}
	}
}
