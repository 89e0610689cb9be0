package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func pod(namespace, name, ip string, change ...func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: name, UID: types.UID(namespace + name), Labels: map[string]string{"pod": name},
		},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Ports: []corev1.ContainerPort{
			{Name: "web", ContainerPort: 80, Protocol: corev1.ProtocolTCP},
		}}}},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, PodIP: ip},
	}
	for _, f := range change {
		f(p)
	}
	return p
}

func namespace(name string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"ns": name}}}
}

func cluster(policies ...networkingv1.NetworkPolicySpec) snapshot {
	s := snapshot{
		podRange:   "10.0.0.0/24",
		namespaces: []*corev1.Namespace{namespace("x"), namespace("y")},
		pods: []*corev1.Pod{
			pod("x", "a", "10.0.0.1"), pod("x", "b", "10.0.0.2"), pod("y", "a", "10.0.0.3"), pod("y", "b", "10.0.0.4"),
		},
	}
	for i, spec := range policies {
		meta := metav1.ObjectMeta{Namespace: "x", Name: string(rune('p' + i))}
		s.policies = append(s.policies, &networkingv1.NetworkPolicy{ObjectMeta: meta, Spec: spec})
	}
	return s
}

func labelled(key, value string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{key: value}}
}

func port(protocol corev1.Protocol, number any, end int32) networkingv1.NetworkPolicyPort {
	p := networkingv1.NetworkPolicyPort{Protocol: &protocol}
	switch n := number.(type) {
	case int:
		value := intstr.FromInt32(int32(n))
		p.Port = &value
	case string:
		value := intstr.FromString(n)
		p.Port = &value
	}
	if end > 0 {
		p.EndPort = &end
	}
	return p
}

func from(peers ...networkingv1.NetworkPolicyPeer) networkingv1.NetworkPolicySpec {
	return networkingv1.NetworkPolicySpec{
		PodSelector: *labelled("pod", "a"),
		PolicyTypes: []networkingv1.PolicyType{ingress.kind},
		Ingress:     []networkingv1.NetworkPolicyIngressRule{{From: peers}},
	}
}

func to(ports []networkingv1.NetworkPolicyPort, peers ...networkingv1.NetworkPolicyPeer) networkingv1.NetworkPolicySpec {
	return networkingv1.NetworkPolicySpec{
		PodSelector: *labelled("pod", "a"),
		PolicyTypes: []networkingv1.PolicyType{egress.kind},
		Egress:      []networkingv1.NetworkPolicyEgressRule{{To: peers, Ports: ports}},
	}
}

// chain gives the lines of one chain in rendered commands; nil when there is none.
func chain(t *testing.T, commands, name string) []string {
	t.Helper()
	_, body, found := strings.Cut(commands, "  chain "+name+" {")
	if !found {
		return nil
	}
	body, _, _ = strings.Cut(body, "\n  }")
	var lines []string
	for line := range strings.Lines(body) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines
}

func TestRulesOfOnePolicy(t *testing.T) {
	udp, tcp, sctp := corev1.ProtocolUDP, corev1.ProtocolTCP, corev1.ProtocolSCTP
	type ports = []networkingv1.NetworkPolicyPort
	type peer = networkingv1.NetworkPolicyPeer
	withPorts := func(spec networkingv1.NetworkPolicySpec, p ports) networkingv1.NetworkPolicySpec {
		spec.Ingress[0].Ports = p
		return spec
	}
	block := &networkingv1.IPBlock{CIDR: "10.9.0.7/16", Except: []string{"10.9.1.0/24", "10.9.1.9/32"}}
	cases := map[string]struct {
		spec networkingv1.NetworkPolicySpec
		want []string
	}{
		"no peer is everyone": {from(), []string{"counter accept"}},
		"Pods of the policy's own namespace": {
			from(peer{PodSelector: labelled("pod", "b")}),
			[]string{"ip saddr { 10.0.0.2 } counter accept"},
		},
		"all Pods of other namespaces": {
			from(peer{NamespaceSelector: labelled("ns", "y")}),
			[]string{"ip saddr { 10.0.0.3, 10.0.0.4 } counter accept"},
		},
		"both selectors in one peer: and": {
			from(peer{NamespaceSelector: labelled("ns", "y"), PodSelector: labelled("pod", "b")}),
			[]string{"ip saddr { 10.0.0.4 } counter accept"},
		},
		"both selectors in two peers: or": {
			from(peer{NamespaceSelector: labelled("ns", "y")}, peer{PodSelector: labelled("pod", "b")}),
			[]string{"ip saddr { 10.0.0.2, 10.0.0.3, 10.0.0.4 } counter accept"},
		},
		"an empty selector is all": {
			from(peer{NamespaceSelector: &metav1.LabelSelector{}, PodSelector: labelled("pod", "b")}),
			[]string{"ip saddr { 10.0.0.2, 10.0.0.4 } counter accept"},
		},
		"nobody there is nobody": {from(peer{PodSelector: labelled("pod", "none")}), nil},
		"a selector that makes no sense is nobody": {
			from(peer{PodSelector: &metav1.LabelSelector{
				MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "pod", Operator: "Near"}},
			}}), nil,
		},
		"an address block and its exceptions": {
			from(peer{IPBlock: block}),
			[]string{"ip saddr 10.9.0.0/16 ip saddr != 10.9.1.0/24 ip saddr != 10.9.1.9/32 counter accept"},
		},
		"a block of IPv6 is nobody": {from(peer{IPBlock: &networkingv1.IPBlock{CIDR: "fd00::/8"}}), nil},
		"ports": {
			withPorts(from(), ports{port(tcp, 80, 0), port(udp, 53, 0), port(tcp, 8000, 8010), port(sctp, nil, 0)}),
			[]string{
				"tcp dport 80 counter accept", "udp dport 53 counter accept",
				"tcp dport 8000-8010 counter accept", "meta l4proto sctp counter accept",
			},
		},
		"a port's name is that of the selected Pod": {
			withPorts(from(peer{PodSelector: labelled("pod", "b")}), ports{port(tcp, "web", 0), port(udp, "web", 0)}),
			[]string{"ip saddr { 10.0.0.2 } ip daddr 10.0.0.1 tcp dport 80 counter accept"},
		},
		"what may leave has yet to be let in": {
			to(ports{port(tcp, 80, 0)}, peer{PodSelector: labelled("pod", "b")}),
			[]string{"ip daddr { 10.0.0.2 } tcp dport 80 counter goto deliver"},
		},
		"a port's name is that of the Pod that is called": {
			to(ports{port(tcp, "web", 0)}, peer{PodSelector: labelled("pod", "b")}),
			[]string{"ip daddr 10.0.0.2 tcp dport 80 counter goto deliver"},
		},
		"a port's name of anyone": {
			to(ports{port(tcp, "web", 0)}),
			[]string{
				"ip daddr 10.0.0.1 tcp dport 80 counter goto deliver", "ip daddr 10.0.0.2 tcp dport 80 counter goto deliver",
				"ip daddr 10.0.0.3 tcp dport 80 counter goto deliver", "ip daddr 10.0.0.4 tcp dport 80 counter goto deliver",
			},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			half := ingress.name
			if len(c.spec.Egress) > 0 {
				half = egress.name
			}
			got := chain(t, render(cluster(c.spec)), half+"-policy-0")
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestPodsWithTheSamePoliciesShareAChain(t *testing.T) {
	deny := networkingv1.NetworkPolicySpec{PolicyTypes: []networkingv1.PolicyType{ingress.kind, egress.kind}}
	got := render(cluster(deny, from()))
	for name, want := range map[string][]string{
		"ingress-pods-0": {"jump ingress-policy-0", "jump ingress-policy-1", "counter drop"},
		"ingress-pods-1": {"jump ingress-policy-0", "counter drop"},
		"egress-pods-0":  {"jump egress-policy-0", "counter drop"},
		"egress-pods-1":  nil,
	} {
		if lines := chain(t, got, name); !slices.Equal(lines, want) {
			t.Errorf("%s: got %q, want %q", name, lines, want)
		}
	}
	for _, want := range []string{
		"map ingress-pods { type ipv4_addr : verdict; elements = { 10.0.0.1 : goto ingress-pods-0, 10.0.0.2 : goto ingress-pods-1 } }",
		"map egress-pods { type ipv4_addr : verdict; elements = { 10.0.0.1 : goto egress-pods-0, 10.0.0.2 : goto egress-pods-0 } }",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestPolicyTypesThatTheAPIServerWouldFillIn(t *testing.T) {
	spec := to(nil)
	spec.PolicyTypes = nil
	got := render(cluster(spec))
	if chain(t, got, "egress-policy-0") == nil || chain(t, got, "ingress-pods-0") == nil {
		t.Errorf("a policy with egress rules isolates both ways:\n%s", got)
	}
	got = render(cluster(networkingv1.NetworkPolicySpec{}))
	if chain(t, got, "ingress-pods-0") == nil || chain(t, got, "egress-pods-0") != nil {
		t.Errorf("a policy without isolates for ingress:\n%s", got)
	}
}

func TestEndpoints(t *testing.T) {
	later := func(p *corev1.Pod) { p.CreationTimestamp = metav1.NewTime(time.Unix(1000, 0)) }
	ended := func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded }
	onHost := func(p *corev1.Pod) { p.Spec.HostNetwork = true }
	cases := map[string]struct {
		pods  []*corev1.Pod
		early map[podKey]string
		want  []string
	}{
		"its own address": {pods: []*corev1.Pod{pod("x", "a", "10.0.0.1")}, want: []string{"a 10.0.0.1"}},
		"none yet":        {pods: []*corev1.Pod{pod("x", "a", "")}},
		"reported before its status shows it": {
			pods: []*corev1.Pod{pod("x", "a", "")}, early: map[podKey]string{{"x", "a", "xa"}: "10.0.0.9"},
			want: []string{"a 10.0.0.9"},
		},
		"reported for a Pod of that name that is gone": {
			pods: []*corev1.Pod{pod("x", "a", "")}, early: map[podKey]string{{"x", "a", "old"}: "10.0.0.9"},
		},
		"the node's own": {pods: []*corev1.Pod{pod("x", "a", "10.0.0.1", onHost)}},
		"ended":          {pods: []*corev1.Pod{pod("x", "a", "10.0.0.1", ended)}},
		"IPv6":           {pods: []*corev1.Pod{pod("x", "a", "fd00::1")}},
		"one for two: the newer Pod's": {
			pods: []*corev1.Pod{pod("x", "b", "10.0.0.1", later), pod("x", "a", "10.0.0.1")}, want: []string{"b 10.0.0.1"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, e := range endpoints(snapshot{pods: c.pods, early: c.early}) {
				got = append(got, e.pod.Name+" "+e.ip)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestRestartableInitContainersHaveNamedPorts(t *testing.T) {
	always := corev1.ContainerRestartPolicyAlways
	sidecar := corev1.Container{
		RestartPolicy: &always, Ports: []corev1.ContainerPort{{Name: "web", ContainerPort: 90}},
	}
	once := corev1.Container{Ports: []corev1.ContainerPort{{Name: "web", ContainerPort: 91}}}
	p := pod("x", "a", "10.0.0.1", func(p *corev1.Pod) { p.Spec.InitContainers = []corev1.Container{sidecar, once} })
	got := named("daddr", []endpoint{{pod: p, ip: "10.0.0.1"}}, portMatch{protocol: "tcp", name: "web"})
	want := []string{"ip daddr 10.0.0.1 tcp dport 80", "ip daddr 10.0.0.1 tcp dport 90"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRenderingIsStable(t *testing.T) {
	forward := cluster(from(), to(nil))
	backward := cluster(from(), to(nil))
	slices.Reverse(backward.pods)
	slices.Reverse(backward.policies)
	slices.Reverse(backward.namespaces)
	if render(forward) != render(backward) {
		t.Error("the order in which objects are listed changes the commands")
	}
}
