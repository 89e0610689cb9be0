package main

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// endpoints gives the Pods with addresses of their own, one for each address.
func endpoints(s snapshot) []endpoint {
	newest := map[string]endpoint{}
	for _, pod := range s.pods {
		ended := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
		if pod.Spec.HostNetwork || ended {
			continue // the node's own address, or one that another may have by now
		}
		ip := cmp.Or(s.early[keyOf(pod)], pod.Status.PodIP)
		address, err := netip.ParseAddr(ip)
		if err != nil || !address.Is4() {
			continue
		}
		if other, taken := newest[ip]; taken && !other.pod.CreationTimestamp.Before(&pod.CreationTimestamp) {
			continue
		}
		newest[ip] = endpoint{pod, ip, labels.Set(pod.Labels)}
	}
	return slices.SortedFunc(maps.Values(newest), func(a, b endpoint) int { return cmp.Compare(a.ip, b.ip) })
}

func keyOf(pod *corev1.Pod) podKey {
	return podKey{pod.Namespace, pod.Name, string(pod.UID)}
}

// rules gives one direction's rules of a policy.
func rules(d direction, p *networkingv1.NetworkPolicy) []rule {
	var found []rule
	if d == ingress {
		for _, r := range p.Spec.Ingress {
			found = append(found, rule{r.From, r.Ports})
		}
		return found
	}
	for _, r := range p.Spec.Egress {
		found = append(found, rule{r.To, r.Ports})
	}
	return found
}

// policyTypes gives a policy's directions, with the API server's own default.
func policyTypes(p *networkingv1.NetworkPolicy) []networkingv1.PolicyType {
	if len(p.Spec.PolicyTypes) > 0 {
		return p.Spec.PolicyTypes
	}
	if len(p.Spec.Egress) > 0 {
		return []networkingv1.PolicyType{ingress.kind, egress.kind}
	}
	return []networkingv1.PolicyType{ingress.kind}
}

// portMatch is an nft match of a port, or a name that has to be looked up.
type portMatch struct{ match, protocol, name string }

func ports(given []networkingv1.NetworkPolicyPort) []portMatch {
	if len(given) == 0 {
		return []portMatch{{}}
	}
	var found []portMatch
	for _, p := range given {
		protocol := "tcp"
		if p.Protocol != nil {
			protocol = strings.ToLower(string(*p.Protocol))
		}
		switch {
		case p.Port == nil:
			found = append(found, portMatch{match: "meta l4proto " + protocol})
		case p.Port.Type == intstr.String:
			found = append(found, portMatch{protocol: protocol, name: p.Port.StrVal})
		case p.EndPort != nil:
			match := fmt.Sprintf("%s dport %d-%d", protocol, p.Port.IntVal, *p.EndPort)
			found = append(found, portMatch{match: match})
		default:
			found = append(found, portMatch{match: fmt.Sprintf("%s dport %d", protocol, p.Port.IntVal)})
		}
	}
	return found
}

// named matches a named port of each of the endpoints that has one.
func named(field string, among []endpoint, port portMatch) []string {
	var found []string
	for _, e := range among {
		containers := slices.Clone(e.pod.Spec.Containers)
		for _, c := range e.pod.Spec.InitContainers {
			if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
				containers = append(containers, c)
			}
		}
		for _, c := range containers {
			for _, p := range c.Ports {
				protocol := strings.ToLower(string(cmp.Or(p.Protocol, corev1.ProtocolTCP)))
				if p.Name == port.name && protocol == port.protocol {
					found = append(found, fmt.Sprintf("ip %s %s %s dport %d", field, e.ip, protocol, p.ContainerPort))
				}
			}
		}
	}
	return found
}

// block matches an address block without its exceptions; IPv6 has no match here.
func block(field string, b *networkingv1.IPBlock) []string {
	cidr, err := netip.ParsePrefix(b.CIDR)
	if err != nil || !cidr.Addr().Is4() {
		return nil
	}
	parts := []string{fmt.Sprintf("ip %s %s", field, cidr.Masked())}
	for _, e := range b.Except {
		if except, err := netip.ParsePrefix(e); err == nil && except.Addr().Is4() {
			parts = append(parts, fmt.Sprintf("ip %s != %s", field, except.Masked()))
		}
	}
	return []string{strings.Join(parts, " ")}
}

// matches is whether a selector takes these labels; one that makes no sense takes none.
func matches(selector *metav1.LabelSelector, among labels.Set) bool {
	s, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && s.Matches(among)
}

// product is every combination of a peer's match and a port's match, with the verdict.
func product(peers, ports []string, verdict string) []string {
	var lines []string
	for _, peer := range peers {
		for _, port := range ports {
			lines = append(lines, strings.Join(strings.Fields(peer+" "+port+" counter "+verdict), " "))
		}
	}
	return lines
}

func ips(among []endpoint) []string {
	var found []string
	for _, e := range among {
		found = append(found, e.ip)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func set(members []string) string { return "{ " + strings.Join(members, ", ") + " }" }

func elements(members []string) string {
	if len(members) == 0 {
		return ""
	}
	return "elements = " + set(members)
}
