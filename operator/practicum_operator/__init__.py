"""The operator: custom resources in, namespaces, workspaces, Pods and Hub registrations out."""
