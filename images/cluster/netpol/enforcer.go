package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os/exec"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	networkinglisters "k8s.io/client-go/listers/networking/v1"
	"k8s.io/client-go/tools/cache"
)

const retryPause = time.Second

// enforcer keeps the nft table in step with the API server.
type enforcer struct {
	podRange   string
	apply      func(ctx context.Context, commands string) error
	client     kubernetes.Interface
	factory    informers.SharedInformerFactory
	pods       corelisters.PodLister
	namespaces corelisters.NamespaceLister
	policies   networkinglisters.NetworkPolicyLister
	changed    chan struct{}

	mutex   sync.Mutex
	early   map[podKey]string
	applied map[podKey]string // addresses in the table that is in place
	round   chan struct{}     // closed when a table has been put in place
}

func newEnforcer(
	ctx context.Context, client kubernetes.Interface, podRange string, apply func(context.Context, string) error,
) (*enforcer, error) {
	factory := informers.NewSharedInformerFactory(client, 0)
	e := &enforcer{
		podRange:   podRange,
		apply:      apply,
		client:     client,
		factory:    factory,
		pods:       factory.Core().V1().Pods().Lister(),
		namespaces: factory.Core().V1().Namespaces().Lister(),
		policies:   factory.Networking().V1().NetworkPolicies().Lister(),
		changed:    make(chan struct{}, 1),
		early:      map[podKey]string{},
		round:      make(chan struct{}),
	}
	for _, informer := range []cache.SharedIndexInformer{
		factory.Core().V1().Pods().Informer(),
		factory.Core().V1().Namespaces().Informer(),
		factory.Networking().V1().NetworkPolicies().Informer(),
	} {
		_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc:    func(any) { e.touch() },
			UpdateFunc: func(any, any) { e.touch() },
			DeleteFunc: e.deleted,
		})
		if err != nil {
			return nil, err
		}
	}
	return e, nil
}

// run enforces until the context ends; nothing is rendered before all is known.
func (e *enforcer) run(ctx context.Context) {
	e.waitForRights(ctx)
	e.factory.Start(ctx.Done())
	e.factory.WaitForCacheSync(ctx.Done())
	last := ""
	for ctx.Err() == nil {
		s := e.snapshot()
		if commands := render(s); commands != last {
			if err := e.apply(ctx, commands); err != nil {
				slog.Error("the rules were refused", "error", err)
				sleep(ctx, retryPause)
				continue
			}
			last = commands
			slog.Info("rules in place", "pods", len(s.pods), "policies", len(s.policies), "bytes", len(commands))
		}
		e.finish(s)
		select {
		case <-ctx.Done():
		case <-e.changed:
		}
	}
}

// waitForRights polls until we may read: in a new cluster that takes a moment, and
// an informer that was refused would wait far longer between its attempts.
func (e *enforcer) waitForRights(ctx context.Context) {
	for ctx.Err() == nil {
		one := metav1.ListOptions{Limit: 1}
		if _, err := e.client.NetworkingV1().NetworkPolicies("").List(ctx, one); err == nil {
			return
		}
		sleep(ctx, retryPause/4)
	}
}

func (e *enforcer) touch() {
	select {
	case e.changed <- struct{}{}:
	default: // a round is due anyway
	}
}

func (e *enforcer) deleted(object any) {
	if tombstone, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = tombstone.Obj
	}
	if pod, ok := object.(*corev1.Pod); ok {
		e.mutex.Lock()
		delete(e.early, keyOf(pod))
		e.mutex.Unlock()
	}
	e.touch()
}

func (e *enforcer) snapshot() snapshot {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	// Lists from a local cache fail only on a selector, and there is none.
	pods, _ := e.pods.List(labels.Everything())
	namespaces, _ := e.namespaces.List(labels.Everything())
	policies, _ := e.policies.List(labels.Everything())
	return snapshot{e.podRange, pods, namespaces, policies, maps.Clone(e.early)}
}

// finish notes whose rules are in place, and tells those who wait.
func (e *enforcer) finish(s snapshot) {
	applied := map[podKey]string{}
	for _, endpoint := range endpoints(s) {
		applied[keyOf(endpoint.pod)] = endpoint.ip
	}
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.applied = applied
	close(e.round)
	e.round = make(chan struct{})
}

// admit waits until the rules of a new Pod with this address are in place.
func (e *enforcer) admit(ctx context.Context, pod podKey, ip string) error {
	e.mutex.Lock()
	e.early[pod] = ip
	e.mutex.Unlock()
	e.touch()
	for {
		e.mutex.Lock()
		done, round := e.applied[pod] == ip, e.round
		e.mutex.Unlock()
		if done {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("no rules yet for %s/%s: %w", pod.namespace, pod.name, ctx.Err())
		case <-round:
		}
	}
}

// applyNft hands commands to nft, which takes all of them or none.
func applyNft(ctx context.Context, commands string) error {
	nft := exec.CommandContext(ctx, "nft", "-f", "-")
	nft.Stdin = strings.NewReader(commands)
	if output, err := nft.CombinedOutput(); err != nil {
		return fmt.Errorf("nft: %w: %s", err, output)
	}
	return nil
}

func sleep(ctx context.Context, pause time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(pause):
	}
}
