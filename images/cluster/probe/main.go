// Command probe is both ends of a connection test, for the tests of the local node.
//
//	probe serve tcp:80 udp:81   answers whoever comes
//	probe try tcp:10.0.0.1:80   says as JSON which targets answered; connect: is content with
//	                            a connection, dns: asks for a name
//	probe hold tcp:10.0.0.1:80  keeps one connection busy until it breaks
//	probe write /work/file      adds a line to a file and prints it
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

const patience = time.Second

func main() {
	if len(os.Args) < 3 {
		fail(fmt.Errorf("usage: probe serve|try|hold|write TARGET..."))
	}
	targets := os.Args[2:]
	switch os.Args[1] {
	case "serve":
		serve(targets)
	case "try":
		if err := json.NewEncoder(os.Stdout).Encode(try(targets)); err != nil {
			fail(err)
		}
	case "hold":
		hold(targets[0])
	case "write":
		write(targets[0])
	}
}

// serve answers every message with itself, on each PROTOCOL:PORT.
func serve(targets []string) {
	for _, target := range targets {
		protocol, port, _ := strings.Cut(target, ":")
		if protocol == "udp" {
			socket, err := net.ListenPacket("udp", ":"+port)
			if err != nil {
				fail(err)
			}
			go echoPackets(socket)
			continue
		}
		listener, err := net.Listen("tcp", ":"+port)
		if err != nil {
			fail(err)
		}
		go echoConnections(listener)
	}
	select {}
}

func echoPackets(socket net.PacketConn) {
	buffer := make([]byte, 64)
	for {
		n, from, err := socket.ReadFrom(buffer)
		if err != nil {
			fail(err)
		}
		_, _ = socket.WriteTo(buffer[:n], from) // who asked may be gone
	}
}

func echoConnections(listener net.Listener) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			fail(err)
		}
		go func() {
			defer connection.Close()
			_, _ = io.Copy(connection, connection) // who asked may be gone
		}()
	}
}

// try asks every target at once and gives, by target, whether it answered.
func try(targets []string) map[string]bool {
	answered := map[string]bool{}
	var mutex sync.Mutex
	var all sync.WaitGroup
	for _, target := range targets {
		all.Go(func() {
			err := ask(target)
			mutex.Lock()
			defer mutex.Unlock()
			answered[target] = err == nil
		})
	}
	all.Wait()
	return answered
}

func ask(target string) error {
	protocol, address, _ := strings.Cut(target, ":")
	network := map[string]string{"connect": "tcp", "dns": "udp"}[protocol]
	connection, err := net.DialTimeout(cmp.Or(network, protocol), address, patience)
	if err != nil {
		return err
	}
	defer connection.Close()
	switch protocol {
	case "connect":
		return nil
	case "dns":
		return lookUp(connection)
	}
	return ping(connection)
}

// lookUp asks the DNS server at the other end for the API server's address.
func lookUp(connection net.Conn) error {
	resolver := net.Resolver{
		PreferGo: true,
		Dial:     func(context.Context, string, string) (net.Conn, error) { return connection, nil },
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := resolver.LookupHost(ctx, "kubernetes.default.svc.cluster.local.")
	return err
}

func ping(connection net.Conn) error {
	if err := connection.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := connection.Write([]byte("?")); err != nil {
		return err
	}
	_, err := io.ReadFull(connection, make([]byte, 1))
	return err
}

// hold says "open" when it is connected, and ends when its connection no longer works.
func hold(target string) {
	protocol, address, _ := strings.Cut(target, ":")
	connection, err := net.DialTimeout(protocol, address, patience)
	if err != nil {
		fail(err)
	}
	fmt.Println("open")
	for ; err == nil; err = ping(connection) {
		time.Sleep(patience / 10)
	}
	fmt.Println("cut")
}

// write adds a line to a file and prints what it holds then.
func write(path string) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		fail(err)
	}
	defer file.Close()
	if _, err := fmt.Fprintln(file, "kept"); err != nil {
		fail(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		fail(err)
	}
	fmt.Print(string(content))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
