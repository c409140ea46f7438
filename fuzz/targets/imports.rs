//! Lists of addresses as people have them: refused as a whole, or every address in it once, in its order, none of a token's contract; and the
//! same when they are written one a line. No refusal repeats what can spend.
#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use payin_core::address::Address;
use payin_core::{Chains, chains, import};
use payin_types::Protocol;
use payin_types::xpub::looks_secret;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let chains = Chains::new(chains::known());
    for protocol in [Protocol::Evm, Protocol::Tron, Protocol::Solana] {
        let contracts = chains.token_contracts(&protocol);
        let import = match import::read(&protocol, text, &contracts) {
            Ok(import) => import,
            Err(error) => {
                let said = format!("{error:?}");
                let secrets = text.lines().map(str::trim).filter(|line| line.len() >= 32 && !line.contains(',') && looks_secret(line));
                // What stands elsewhere, too, may be no secret there.
                let starts = secrets.filter_map(|secret| secret.get(..32)).filter(|start| text.matches(start).count() == 1);
                starts.for_each(|start| assert!(!said.contains(start), "{start}"));
                continue;
            }
        };
        let addresses: Vec<&Address> = import.lines.iter().map(|line| &line.address).collect();
        assert!(!addresses.is_empty() && addresses.iter().collect::<BTreeSet<_>>().len() == addresses.len());
        assert!(addresses.iter().all(|address| !contracts.contains(*address)));
        let lines: Vec<&str> = text.lines().collect();
        for line in &import.lines {
            // The number that people are told is the line's own.
            let stands = lines[usize::try_from(line.number).expect("a line") - 1].to_ascii_lowercase();
            assert!(stands.contains(&line.address.as_str().to_ascii_lowercase()), "{stands}");
        }
        let filled = lines.iter().filter(|line| !line.trim_start_matches('\u{feff}').trim().is_empty()).count();
        let taken = addresses.len() + usize::try_from(import.repeated).expect("a count");
        assert!(taken == filled || taken + 1 == filled, "{taken} of {filled}");
        let plain = addresses.iter().map(|address| address.as_str()).collect::<Vec<_>>().join("\n");
        let again = import::read(&protocol, &plain, &contracts).expect("addresses");
        assert!(again.lines.iter().map(|line| &line.address).eq(addresses));
    }
});
