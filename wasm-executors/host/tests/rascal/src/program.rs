//! The program: its first argument says what it does.

use crate::Rascal;
use crate::bindings::exports::wasi::cli::run;
use crate::bindings::wasi::cli::environment::get_arguments;
use crate::bindings::wasi::cli::{stderr::get_stderr, stdin::get_stdin, stdout::get_stdout};
use crate::bindings::wasi::io::streams::StreamError;
use crate::bindings::wasi::sockets::instance_network::instance_network;
use crate::bindings::wasi::sockets::ip_name_lookup::resolve_addresses;
use crate::bindings::wasi::sockets::network::{
    ErrorCode, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress,
};
use crate::bindings::wasi::sockets::tcp_create_socket::create_tcp_socket;

impl run::Guest for Rascal {
    fn run() -> Result<(), ()> {
        let arguments = get_arguments();
        let argument = |number: usize| arguments[number].as_str();
        let number = |number: usize| arguments[number].parse().unwrap();
        let said = match arguments.get(1).map(String::as_str) {
            Some("spin-below" | "spin") => loop {
                std::hint::spin_loop();
            },
            Some("connect") => connect(argument(2).parse().unwrap()),
            Some("bind") => bind(argument(2).parse().unwrap()),
            Some("resolve") => resolve_addresses(&instance_network(), "localhost").map(drop),
            Some("talk") => return talk(&arguments[2..]),
            Some("pour") => return pour(number(2)),
            Some("head") => return head(number(2)),
            Some("count") => return count(),
            Some("grow") => return grow(number(2)),
            _ => return copy(),
        };
        let said = said.map_or_else(|code| format!("{code:?}"), |()| "done".to_owned());
        say(&said)
    }
}

fn say(text: &str) -> Result<(), ()> {
    get_stdout().blocking_write_and_flush(text.as_bytes()).map_err(drop)
}

fn copy() -> Result<(), ()> {
    let (input, output) = (get_stdin(), get_stdout());
    while let Ok(bytes) = input.blocking_read(4_096) {
        output.blocking_write_and_flush(&bytes).map_err(drop)?;
    }
    Ok(())
}

/// Says one word after the other: those that start with `e:` to stderr, others to stdout.
fn talk(words: &[String]) -> Result<(), ()> {
    let (output, errors) = (get_stdout(), get_stderr());
    for word in words {
        let (to, word) = match word.strip_prefix("e:") {
            Some(word) => (&errors, word),
            None => (&output, word.as_str()),
        };
        to.blocking_write_and_flush(word.as_bytes()).map_err(drop)?;
    }
    Ok(())
}

/// Writes so many bytes, and says on stderr if nobody wants them.
fn pour(bytes: usize) -> Result<(), ()> {
    let (output, mut left) = (get_stdout(), bytes);
    while left > 0 {
        let now = left.min(4_096);
        match output.blocking_write_and_flush(&vec![b'x'; now]) {
            Ok(()) => left -= now,
            Err(StreamError::Closed) => {
                return get_stderr().blocking_write_and_flush(b"nobody reads").map_err(drop);
            }
            Err(StreamError::LastOperationFailed(_)) => return Err(()),
        }
    }
    Ok(())
}

/// Reads so many bytes and no more.
fn head(bytes: usize) -> Result<(), ()> {
    let (input, mut read) = (get_stdin(), 0);
    while read < bytes {
        read += input.blocking_read((bytes - read) as u64).map_err(drop)?.len();
    }
    say(&format!("{read} bytes"))
}

/// Says how many bytes its input has.
fn count() -> Result<(), ()> {
    let (input, mut read) = (get_stdin(), 0);
    while let Ok(bytes) = input.blocking_read(16_384) {
        read += bytes.len();
    }
    say(&format!("{read} bytes"))
}

/// Takes memory.
fn grow(bytes: usize) -> Result<(), ()> {
    let taken = std::hint::black_box(vec![1_u8; bytes]);
    say(&format!("took {}", taken.len()))
}

fn local(port: u16) -> IpSocketAddress {
    IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address: (127, 0, 0, 1) })
}

/// Connects and says hello.
fn connect(port: u16) -> Result<(), ErrorCode> {
    let socket = create_tcp_socket(IpAddressFamily::Ipv4)?;
    socket.start_connect(&instance_network(), local(port))?;
    socket.subscribe().block();
    let (_input, output) = socket.finish_connect()?;
    output.blocking_write_and_flush(b"hello").map_err(|_| ErrorCode::ConnectionReset)
}

fn bind(port: u16) -> Result<(), ErrorCode> {
    let socket = create_tcp_socket(IpAddressFamily::Ipv4)?;
    socket.start_bind(&instance_network(), local(port))?;
    socket.subscribe().block();
    socket.finish_bind()
}
