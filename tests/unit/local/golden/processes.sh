# etcd
/cache/bin/kube \
  etcd \
  --name=practicum \
  --data-dir=/cache/node/etcd \
  --listen-client-urls=http://127.0.0.1:2379 \
  --advertise-client-urls=http://127.0.0.1:2379 \
  --listen-peer-urls=http://127.0.0.1:2380 \
  --initial-advertise-peer-urls=http://127.0.0.1:2380 \
  --initial-cluster=practicum=http://127.0.0.1:2380 \
  --unsafe-no-fsync \
  --log-level=warn \
  --auto-compaction-mode=periodic \
  --auto-compaction-retention=30m

# kube-apiserver
/cache/bin/kube \
  kube-apiserver \
  --etcd-servers=http://127.0.0.1:2379 \
  --bind-address=0.0.0.0 \
  --advertise-address=10.250.0.1 \
  --secure-port=16443 \
  --tls-cert-file=/cache/node/pki/kube-apiserver.crt \
  --tls-private-key-file=/cache/node/pki/kube-apiserver.key \
  --client-ca-file=/cache/node/pki/ca.crt \
  --kubelet-client-certificate=/cache/node/pki/apiserver-kubelet.crt \
  --kubelet-client-key=/cache/node/pki/apiserver-kubelet.key \
  --kubelet-certificate-authority=/cache/node/pki/ca.crt \
  --kubelet-preferred-address-types=InternalIP,Hostname \
  --service-account-issuer=https://kubernetes.default.svc.cluster.local \
  --service-account-key-file=/cache/node/pki/sa.pub \
  --service-account-signing-key-file=/cache/node/pki/sa.key \
  --service-cluster-ip-range=10.96.0.0/16 \
  --authorization-mode=Node,RBAC \
  --enable-admission-plugins=NodeRestriction \
  --allow-privileged=true \
  --requestheader-client-ca-file=/cache/node/pki/ca.crt \
  --requestheader-allowed-names=front-proxy \
  --requestheader-username-headers=X-Remote-User \
  --requestheader-group-headers=X-Remote-Group \
  --requestheader-extra-headers-prefix=X-Remote-Extra- \
  --proxy-client-cert-file=/cache/node/pki/front-proxy.crt \
  --proxy-client-key-file=/cache/node/pki/front-proxy.key \
  --shutdown-delay-duration=0s

# kube-controller-manager
/cache/bin/kube \
  kube-controller-manager \
  --kubeconfig=/cache/node/kube-controller-manager.kubeconfig \
  --authentication-kubeconfig=/cache/node/kube-controller-manager.kubeconfig \
  --authorization-kubeconfig=/cache/node/kube-controller-manager.kubeconfig \
  --bind-address=127.0.0.1 \
  --secure-port=10257 \
  --leader-elect=false \
  --use-service-account-credentials=true \
  --service-account-private-key-file=/cache/node/pki/sa.key \
  --root-ca-file=/cache/node/pki/ca.crt \
  --cluster-signing-cert-file=/cache/node/pki/ca.crt \
  --cluster-signing-key-file=/cache/node/pki/ca.key \
  --pvclaimbinder-sync-period=1s

# kube-scheduler
/cache/bin/kube \
  kube-scheduler \
  --kubeconfig=/cache/node/kube-scheduler.kubeconfig \
  --authentication-kubeconfig=/cache/node/kube-scheduler.kubeconfig \
  --authorization-kubeconfig=/cache/node/kube-scheduler.kubeconfig \
  --bind-address=127.0.0.1 \
  --secure-port=10259 \
  --leader-elect=false

# netpol
/cache/bin/netpol \
  --kubeconfig=/cache/node/netpol.kubeconfig \
  --pod-range=10.244.0.0/24 \
  --socket=/run/practicum-netpol.sock

# volumes
/cache/bin/volumes \
  --kubeconfig=/cache/node/volumes.kubeconfig \
  --root=/var/lib/practicum/volumes \
  --node=practicum

# containerd
/cache/tools/debian/usr/bin/containerd \
  --config=/cache/node/containerd.toml

# kubelet
/cache/bin/kube \
  kubelet \
  --config=/cache/node/kubelet.yaml \
  --kubeconfig=/cache/node/kubelet.kubeconfig \
  --hostname-override=practicum \
  --node-ip=10.250.0.1 \
  --containerd=/run/containerd/containerd.sock

# kube-proxy
/cache/bin/kube \
  kube-proxy \
  --kubeconfig=/cache/node/kube-proxy.kubeconfig \
  --proxy-mode=nftables \
  --cluster-cidr=10.244.0.0/24 \
  --hostname-override=practicum \
  --bind-address=10.250.0.1 \
  --oom-score-adj=0 \
  --conntrack-max-per-core=0 \
  --conntrack-tcp-timeout-established=0 \
  --conntrack-tcp-timeout-close-wait=0

# relay
/venv/bin/python \
  -m \
  practicum_local.relay \
  hub=proxy.practicum.svc.cluster.local:8000 \
  portal=portal.practicum.svc.cluster.local:8080 \
  api=10.250.0.1:16443
