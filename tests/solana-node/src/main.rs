//! A Solana RPC node for tests: Surfpool's runtime (LiteSVM behind agave's JSON-RPC) on two loopback ports, in one process
//! that ends when its stdin does. It must never reach out of this machine: it has no remote node to ask, and its tests need none.

use std::error::Error;
use std::io::Read as _;
use std::net::TcpListener;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, unbounded};
use surfpool_core::runloops::start_local_surfnet_runloop;
use surfpool_core::surfnet::locker::SurfnetSvmLocker;
use surfpool_core::surfnet::svm::{SurfnetSvm, SurfnetSvmConfig};
use surfpool_types::{BlockProductionMode, RpcConfig, SimnetConfig, SimnetEvent, SurfpoolConfig};

/// A port that was free may be taken when the node wants it: another test is as quick. Five times in a row it is not.
const ATTEMPTS: u32 = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "solana-node SLOT_TIME_MS [PORT]: without a port, or with 0, one that is free";
    let slot_time = arguments.next().and_then(|text| text.parse().ok()).ok_or(usage)?;
    let port: u16 = arguments.next().map_or(Ok(0), |text| text.parse())?;

    // Whoever started it holds the other end, and cannot die without closing it.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });

    let mut attempts = if port == 0 { ATTEMPTS } else { 1 };
    loop {
        attempts -= 1;
        let ports = if port == 0 { free_ports()? } else { (port, free_ports()?.0) };
        let (node, events) = start(slot_time, ports)?;
        if is_ready(&events) {
            println!("Listening on 127.0.0.1:{}", ports.0);
            // The node fills this channel for ever.
            while events.recv().is_ok() {}
        }
        let end = node.join().map_err(|_| "the node panicked")?;
        match end {
            Err(_) if attempts > 0 => {}
            end => return Ok(end?),
        }
    }
}

/// Two ports that are free now. Both are held until both are known, so that they differ.
fn free_ports() -> std::io::Result<(u16, u16)> {
    let (rpc, ws) = (TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?);
    Ok((rpc.local_addr()?.port(), ws.local_addr()?.port()))
}

type Running = JoinHandle<Result<(), String>>;

/// The node on a thread of its own, and what it tells about itself.
fn start(slot_time: u64, (bind_port, ws_port): (u16, u16)) -> Result<(Running, Receiver<SimnetEvent>), Box<dyn Error>> {
    let runtime = tokio::runtime::Runtime::new()?;
    let (svm, events, geyser_events) = SurfnetSvm::new(SurfnetSvmConfig { slot_time, ..SurfnetSvmConfig::default() })?;
    let simnet = SimnetConfig {
        // The defaults are mainnet.
        offline_mode: true,
        remote_rpc_url: None,
        slot_time,
        // One block for each transaction would make web3.js take its blockhash for expired.
        block_production_mode: BlockProductionMode::Clock,
        instruction_profiling_enabled: false,
        ..SimnetConfig::default()
    };
    let rpc = RpcConfig { bind_host: "127.0.0.1".to_owned(), bind_port, ws_port, ..RpcConfig::default() };
    let config = SurfpoolConfig { simnets: vec![simnet], rpc, ..SurfpoolConfig::default() };
    let node = std::thread::spawn(move || {
        let (commands, asked) = unbounded();
        let running = start_local_surfnet_runloop(SurfnetSvmLocker::new(svm), config, commands, asked, geyser_events);
        runtime.block_on(running).map_err(|error| error.to_string())
    });
    Ok((node, events))
}

/// Waits until the node serves, or has ended.
fn is_ready(events: &Receiver<SimnetEvent>) -> bool {
    events.iter().any(|event| matches!(event, SimnetEvent::CoreStarted(_)))
}
