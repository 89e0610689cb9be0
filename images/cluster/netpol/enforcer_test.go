package main

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

// fakeKernel stands for the kernel: it holds the last commands, or refuses them.
type fakeKernel struct {
	mutex    sync.Mutex
	commands string
	refusals int
}

func (t *fakeKernel) apply(_ context.Context, commands string) error {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.refusals > 0 {
		t.refusals--
		return errors.New("refused")
	}
	t.commands = commands
	return nil
}

func (t *fakeKernel) contains(text string) bool {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return strings.Contains(t.commands, text)
}

func start(t *testing.T, kernel *fakeKernel, pods ...*corev1.Pod) (*enforcer, *fake.Clientset) {
	t.Helper()
	client := fake.NewClientset()
	for _, p := range pods {
		if err := client.Tracker().Add(p); err != nil {
			t.Fatal(err)
		}
	}
	e, err := newEnforcer(t.Context(), client, "10.0.0.0/24", kernel.apply)
	if err != nil {
		t.Fatal(err)
	}
	go e.run(t.Context())
	return e, client
}

func admit(t *testing.T, e *enforcer, p *corev1.Pod, ip string, patience time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return e.admit(ctx, keyOf(p), ip)
}

func TestAPodIsAdmittedWhenItsRulesAreInPlace(t *testing.T) {
	kernel := &fakeKernel{refusals: 1}
	p := pod("x", "a", "")
	e, _ := start(t, kernel, p)
	if err := admit(t, e, p, "10.0.0.7", time.Minute); err != nil {
		t.Fatal(err)
	}
	if !kernel.contains("10.0.0.7") {
		t.Error("admitted without rules")
	}
}

func TestAPodThatTheAPIServerDoesNotKnowWaits(t *testing.T) {
	kernel := &fakeKernel{}
	e, client := start(t, kernel)
	p := pod("x", "a", "")
	if err := admit(t, e, p, "10.0.0.7", 300*time.Millisecond); err == nil {
		t.Fatal("admitted although nobody knows its labels")
	}
	if _, err := client.CoreV1().Pods("x").Create(t.Context(), p, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := admit(t, e, p, "10.0.0.7", time.Minute); err != nil {
		t.Fatal(err)
	}
}

func TestAnAddressIsForgottenWithItsPod(t *testing.T) {
	kernel := &fakeKernel{}
	p := pod("x", "a", "")
	e, client := start(t, kernel, p)
	if err := admit(t, e, p, "10.0.0.7", time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := client.CoreV1().Pods("x").Delete(t.Context(), "a", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	for kernel.contains("10.0.0.7") && t.Context().Err() == nil {
		time.Sleep(10 * time.Millisecond)
	}
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if len(e.early) != 0 {
		t.Errorf("still remembered: %v", e.early)
	}
}
