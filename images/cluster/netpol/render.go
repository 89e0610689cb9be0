package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// podKey names a Pod; two Pods of the same name at different times differ in UID.
type podKey struct{ namespace, name, uid string }

// snapshot is all that the rules are made from.
type snapshot struct {
	podRange   string
	pods       []*corev1.Pod
	namespaces []*corev1.Namespace
	policies   []*networkingv1.NetworkPolicy
	// early holds addresses that the CNI plugin reported; a Pod's status shows
	// its address only after its containers have started.
	early map[podKey]string
}

// endpoint is a Pod that has an address of its own.
type endpoint struct {
	pod    *corev1.Pod
	ip     string
	labels labels.Set
}

// direction is one of the two halves of a policy.
type direction struct {
	kind    networkingv1.PolicyType
	name    string
	peer    string // the header field that holds the peer's address
	own     string // the header field that holds the selected Pod's address
	verdict string // what happens to a packet that a rule of this half allows
}

var (
	// A packet that may leave its sender still has to be let in by its receiver.
	egress  = direction{networkingv1.PolicyTypeEgress, "egress", "daddr", "saddr", "goto deliver"}
	ingress = direction{networkingv1.PolicyTypeIngress, "ingress", "saddr", "daddr", "accept"}
)

// rule is one half of a policy's rule, the same shape for both directions.
type rule struct {
	peers []networkingv1.NetworkPolicyPeer
	ports []networkingv1.NetworkPolicyPort
}

// render gives the nft commands that put one table in place of the last.
//
// Its base chains come after kube-proxy's, so they see a Service's traffic with
// the address and port of the Pod behind it: "forward" between Pods, "input"
// from Pods to the node and to the API server on it. The node's own traffic
// to Pods (probes, exec, port-forward) passes neither.
//
//   - The reply direction of a connection is let through, not "established":
//     a policy that is added later cuts the connections it forbids.
//   - Addresses of the Pod range that belong to no known Pod fail closed.
//   - A Pod may always talk to itself, also through its own Service.
//   - Pods can't forge a source address, reach the node's loopback addresses,
//     or go around all of this with IPv6.
//
// A Pod that some policy selects for a direction has an entry in that
// direction's verdict map; Pods with the same policies share one chain, which
// tries each policy's chain and drops what none of them took.
func render(s snapshot) string {
	r := renderer{endpoints: endpoints(s), namespaces: map[string]labels.Set{}}
	for _, n := range s.namespaces {
		r.namespaces[n.Name] = n.Labels
	}
	egressMap := r.isolate(egress, s.policies)
	ingressMap := r.isolate(ingress, s.policies)
	var known, self []string
	for _, e := range r.endpoints {
		known = append(known, e.ip)
		self = append(self, e.ip+" . "+e.ip)
	}
	return fmt.Sprintf(table, s.podRange,
		elements(known), elements(self), elements(egressMap), elements(ingressMap),
		strings.Join(r.chains, ""))
}

const table = `add table inet practicum-netpol
delete table inet practicum-netpol
table inet practicum-netpol {
  set known { type ipv4_addr; %[2]s }
  set self { type ipv4_addr . ipv4_addr; %[3]s }
%[6]s
  map egress-pods { type ipv4_addr : verdict; %[4]s }
  map ingress-pods { type ipv4_addr : verdict; %[5]s }
  chain deliver {
    ip daddr vmap @ingress-pods
    ip daddr %[1]s ip daddr != @known counter drop
    accept
  }
  chain common {
    ct direction reply accept
    ct state related accept
    ip saddr . ip daddr @self accept
    ip saddr %[1]s ip saddr != @known counter drop
    ip saddr vmap @egress-pods
    goto deliver
  }
  chain forward {
    type filter hook forward priority filter + 10; policy accept;
    meta nfproto ipv6 counter drop
    goto common
  }
  chain input {
    type filter hook input priority filter + 10; policy accept;
    iifname "lo" accept
    meta nfproto ipv6 counter drop
    ip daddr 127.0.0.0/8 counter drop
    goto common
  }
  chain prerouting {
    type filter hook prerouting priority raw; policy accept;
    iifname "veth*" fib saddr . iif oif eq 0 counter drop
  }
}
`

type renderer struct {
	endpoints  []endpoint
	namespaces map[string]labels.Set
	chains     []string
}

// isolate writes the chains of one direction and returns its map's elements.
func (r *renderer) isolate(d direction, policies []*networkingv1.NetworkPolicy) []string {
	selected := map[string][]string{} // Pod's address to the names of its policies' chains
	sorted := slices.SortedFunc(slices.Values(policies), func(a, b *networkingv1.NetworkPolicy) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	for i, policy := range sorted {
		if !slices.Contains(policyTypes(policy), d.kind) {
			continue
		}
		targets := r.inNamespace(policy.Namespace, &policy.Spec.PodSelector)
		if len(targets) == 0 {
			continue
		}
		chain := fmt.Sprintf("%s-policy-%d", d.name, i)
		r.add(chain, policy.Namespace+"/"+policy.Name, r.policyLines(d, policy, targets))
		for _, target := range targets {
			selected[target.ip] = append(selected[target.ip], chain)
		}
	}
	groups := map[string]string{}
	var entries []string
	for _, ip := range slices.Sorted(maps.Keys(selected)) {
		jumps := strings.Join(selected[ip], " ")
		if groups[jumps] == "" {
			groups[jumps] = fmt.Sprintf("%s-pods-%d", d.name, len(groups))
			var lines []string
			for _, chain := range selected[ip] {
				lines = append(lines, "jump "+chain)
			}
			r.add(groups[jumps], "", append(lines, "counter drop"))
		}
		entries = append(entries, ip+" : goto "+groups[jumps])
	}
	return entries
}

func (r *renderer) add(name, comment string, lines []string) {
	if comment != "" {
		comment = " # " + comment
	}
	body := strings.Join(lines, "\n    ")
	r.chains = append(r.chains, fmt.Sprintf("  chain %s {%s\n    %s\n  }\n", name, comment, body))
}

func (r *renderer) policyLines(d direction, p *networkingv1.NetworkPolicy, targets []endpoint) []string {
	var lines []string
	for _, each := range rules(d, p) {
		addresses, blocks := r.peers(p.Namespace, d.peer, each.peers)
		matches := blocks
		if len(addresses) > 0 {
			matches = append(matches, "ip "+d.peer+" "+set(ips(addresses)))
		}
		for _, port := range ports(each.ports) {
			if port.name == "" {
				lines = append(lines, product(matches, []string{port.match}, d.verdict)...)
				continue
			}
			// A port's name means what the Pod that listens says it means.
			if d == ingress {
				lines = append(lines, product(matches, named(d.own, targets, port), d.verdict)...)
				continue
			}
			if slices.Contains(blocks, "") {
				addresses = r.endpoints
			}
			lines = append(lines, product([]string{""}, named(d.peer, addresses, port), d.verdict)...)
		}
	}
	return slices.Compact(lines)
}

// peers gives the Pods that a rule names, and matches for its address blocks.
// An empty match stands for everyone.
func (r *renderer) peers(namespace, field string, peers []networkingv1.NetworkPolicyPeer) ([]endpoint, []string) {
	if len(peers) == 0 {
		return nil, []string{""}
	}
	var found []endpoint
	var blocks []string
	for _, peer := range peers {
		switch {
		case peer.IPBlock != nil:
			blocks = append(blocks, block(field, peer.IPBlock)...)
		case peer.NamespaceSelector == nil:
			found = append(found, r.inNamespace(namespace, peer.PodSelector)...)
		default:
			for _, name := range slices.Sorted(maps.Keys(r.namespaces)) {
				if matches(peer.NamespaceSelector, r.namespaces[name]) {
					found = append(found, r.inNamespace(name, peer.PodSelector)...)
				}
			}
		}
	}
	return found, blocks
}

func (r *renderer) inNamespace(namespace string, selector *metav1.LabelSelector) []endpoint {
	var found []endpoint
	for _, e := range r.endpoints {
		if e.pod.Namespace == namespace && (selector == nil || matches(selector, e.labels)) {
			found = append(found, e)
		}
	}
	return found
}
