package main

import (
	"os"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

func asked() controller.ProvisionOptions {
	policy := corev1.PersistentVolumeReclaimDelete
	return controller.ProvisionOptions{
		StorageClass: &storagev1.StorageClass{ReclaimPolicy: &policy},
		PVName:       "pvc-1",
		PVC: &corev1.PersistentVolumeClaim{Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources: corev1.VolumeResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")},
			},
		}},
	}
}

func TestAVolumeIsAFolderThatAnyUserMayWrite(t *testing.T) {
	f := folders{root: filepath.Join(t.TempDir(), "volumes"), node: "here"}
	for range 2 { // the second time it is there, and no error
		volume, state, err := f.Provision(t.Context(), asked())
		if err != nil || state != controller.ProvisioningFinished {
			t.Fatal(state, err)
		}
		info, err := os.Stat(volume.Spec.Local.Path)
		if err != nil || info.Mode().Perm() != 0o777 {
			t.Fatal(info, err)
		}
		size := volume.Spec.Capacity[corev1.ResourceStorage]
		if size.String() != "1Gi" || volume.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimDelete {
			t.Errorf("not what was asked for: %v", volume.Spec)
		}
		term := volume.Spec.NodeAffinity.Required.NodeSelectorTerms[0].MatchExpressions[0]
		if term.Values[0] != "here" {
			t.Errorf("on the wrong node: %v", term)
		}
	}
}

func TestDeletingTakesTheFolderAndNothingElse(t *testing.T) {
	f := folders{root: t.TempDir(), node: "here"}
	volume, _, err := f.Provision(t.Context(), asked())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(volume.Spec.Local.Path, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time it is gone, and no error
		if err := f.Delete(t.Context(), volume); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := os.ReadDir(f.root); err != nil || len(left) != 0 {
		t.Fatal(left, err)
	}
	elsewhere := volume.DeepCopy()
	elsewhere.Spec.Local.Path = t.TempDir()
	outside := volume.DeepCopy()
	outside.Name, outside.Spec.Local.Path = "..", filepath.Dir(f.root)
	none := volume.DeepCopy()
	none.Spec.Local = nil
	for _, foreign := range []*corev1.PersistentVolume{elsewhere, outside, none} {
		if f.Delete(t.Context(), foreign) == nil {
			t.Errorf("deleted a folder of someone else: %v", foreign.Spec.Local)
		}
	}
}

func TestAVolumeCanNotBeSelected(t *testing.T) {
	f := folders{root: t.TempDir(), node: "here"}
	options := asked()
	options.PVC.Spec.Selector = &metav1.LabelSelector{}
	if _, state, err := f.Provision(t.Context(), options); err == nil || state != controller.ProvisioningFinished {
		t.Error(state, err)
	}
	if left, err := os.ReadDir(f.root); err != nil || len(left) != 0 {
		t.Error(left, err)
	}
}
