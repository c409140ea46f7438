//! What a configuration comes to, and what is said of one that is wrong.

use super::*;

fn config(text: &str) -> anyhow::Result<Config> {
    Config::check(parse(text)?, Path::new(""), |name| (name == "PAYIN_SERVER_MASTER_KEY").then(|| "ab".repeat(32)))
}

const SMALL: &str = "environment = \"testnet\"\ndatabase = \"sqlite://payin.db\"\n";

#[test]
fn a_small_file_is_enough() {
    let config = config(&format!("{SMALL}[chains.ethereum-sepolia]\nrpc = \"https://rpc.example/key\"\n")).unwrap();
    assert_eq!(config.chains[0].chain.tokens.len(), 3);
    assert_eq!((config.listen.as_str(), config.public_url, config.trusted_proxies.len()), ("127.0.0.1:3000", None, 0));
    assert!(!config.targets.allow_private && !config.open_registration);
}

#[test]
fn limits_are_on_unless_they_are_switched_off() {
    let limits = |text: &str| {
        config(&format!("{SMALL}[rate_limits]\n{text}\n[chains.ethereum-sepolia]\nrpc = \"http://127.0.0.1:1\"\n")).unwrap().rate_limits
    };
    assert_eq!(limits(""), Some(Limits { per_minute: 100, per_hour: 1_000, per_day: 10_000 }));
    assert_eq!(limits("per_minute = 1"), Some(Limits { per_minute: 1, ..Limits::default() }));
    assert_eq!(limits("enabled = false\nper_day = 5"), None);
    let agreed =
        config(&format!("{SMALL}[rate_limits.organizations]\norg_1 = 5000\n[chains.ethereum-sepolia]\nrpc = \"http://127.0.0.1:1\"\n"));
    assert_eq!(agreed.unwrap().agreed_limits, [("org_1".into(), 5_000)].into());
}

#[test]
fn the_schedule_of_deliveries_is_the_documented_one_unless_it_is_given() {
    let deliveries = |text: &str| {
        let text = format!("{SMALL}[webhooks]\n{text}\n[chains.ethereum-sepolia]\nrpc = \"http://127.0.0.1:1\"\n");
        config(&text).map(|config| config.deliveries).map_err(|error| format!("{error:#}"))
    };
    let days = |days: u64| Duration::from_secs(days * 86_400);
    assert_eq!(deliveries(""), Ok(delivery::Policy::default()));
    let given = deliveries("retry_seconds = [1, 604800]\ndisable_after_days = 1\nkeep_log_days = 3650").unwrap();
    assert_eq!(given.retries, [Duration::from_secs(1), days(7)]);
    assert_eq!((given.disable_after, given.keep_log), (days(1), days(3650)));
    assert!(deliveries("retry_seconds = []").unwrap().retries.is_empty());
    let many = format!("retry_seconds = [{}]", "1, ".repeat(31));
    for (bad, named) in [
        ("retry_seconds = [0]", "webhooks.retry_seconds"),
        ("retry_seconds = [1, 604801]", "webhooks.retry_seconds"),
        (many.as_str(), "webhooks.retry_seconds"),
        ("disable_after_days = 0", "webhooks.disable_after_days"),
        ("disable_after_days = 3651", "webhooks.disable_after_days"),
        ("keep_log_days = 0", "webhooks.keep_log_days"),
    ] {
        assert!(deliveries(bad).unwrap_err().contains(named), "{bad}");
    }
}

#[test]
fn tokens_and_policy_can_be_replaced() {
    let text = format!(
        "{SMALL}[orders]\ntolerance = \"0.01\"\n[chains.ethereum-sepolia]\nrpc = \"http://127.0.0.1:1\"\nconfirmations = 2\n\
         finality = {{ depth = 9 }}\n[chains.ethereum-sepolia.tokens]\n\
         DAI = {{ contract = \"0x5AEDA56215b167893e80B4fE645BA6d5Bab767DE\", decimals = 18 }}\n"
    );
    let config = config(&text).unwrap();
    assert_eq!(config.chains[0].chain.tokens.len(), 1);
    assert_eq!(config.chains[0].chain.finality, payin_core::finality::Finality::Depth(9));
    assert_eq!(config.orders.tolerance.to_amount().to_string(), "0.01");
}

/// A test node has a genesis and mints of its own.
#[test]
#[cfg(feature = "solana")]
fn a_solana_cluster_is_known_by_its_genesis() {
    let small = format!("{SMALL}[chains.solana-devnet]\nrpc = \"http://127.0.0.1:1\"\n");
    let chain = |text: &str| config(text).map(|mut config| config.chains.remove(0).chain);
    assert_eq!(chain(&small).unwrap().genesis.as_deref(), Some("EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG"));
    let own = "genesis = \"5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d\"\n[chains.solana-devnet.tokens]\n";
    let mint = |mint: &str| chain(&format!("{small}{own}USDC = {{ contract = \"{mint}\", decimals = 6 }}\n"));
    // A mint at a derived address, which no wallet can have.
    let derived = mint("6wzzozWHyumGXyBgFpxnYkpoPN2fserASyYW3Yj882Br").unwrap();
    assert_eq!(derived.genesis.as_deref(), Some("5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"));
    assert_eq!(derived.tokens[0].known_program(), None);
    assert!(format!("{:#}", mint("nothing").unwrap_err()).contains("32 bytes"));
    assert!(format!("{:#}", chain(&format!("{small}genesis = \"main\"\n")).unwrap_err()).contains("getGenesisHash"));
}

#[test]
fn a_tron_node_has_two_interfaces() {
    for (rpc, url, http) in [
        ("\"https://nile.trongrid.io/jsonrpc\"", "https://nile.trongrid.io/jsonrpc", "https://nile.trongrid.io/"),
        ("{ url = \"http://node:8545/jsonrpc\", http = \"http://node:8090\" }", "http://node:8545/jsonrpc", "http://node:8090/"),
        ("\"http://proxy/key/jsonrpc/\"", "http://proxy/key/jsonrpc/", "http://proxy/key"),
    ] {
        let config = config(&format!("{SMALL}[chains.tron-nile]\nrpc = {rpc}\n")).unwrap();
        let node = &config.chains[0].nodes[0];
        assert_eq!((node.url.as_str(), node.http.as_str()), (url, http));
    }
}

#[test]
fn large_payments_may_wait_for_more() {
    let chain = |text: &str| config(&format!("{SMALL}[chains.ethereum-sepolia]\n{text}\n")).map(|mut config| config.chains.remove(0));
    let two = chain("rpc = [\"http://a\", { url = \"http://b\" }]\nfinal_above = \"10000\"\nagreed_above = \"999.99\"").unwrap();
    let shown = |units: Option<Units>| units.map(|units| units.to_amount().to_string());
    assert_eq!((shown(two.chain.final_above), shown(two.chain.agreed_above)), (Some("10000.00".to_owned()), Some("999.99".to_owned())));
    let one = chain("rpc = \"http://a\"\nfinal_above = \"0.5\"").unwrap();
    assert_eq!((shown(one.chain.final_above), one.chain.agreed_above), (Some("0.50".to_owned()), None));
    for (text, said) in [
        ("rpc = \"http://a\"\nagreed_above = \"5\"", "chains.ethereum-sepolia.agreed_above asks for a second node's word"),
        ("rpc = [\"http://a\"]\nagreed_above = \"5\"", "names only one node"),
        ("rpc = []", "names no node"),
        ("rpc = \"http://a\"\nfinal_above = \"0\"", "chains.ethereum-sepolia.final_above must be more than 0"),
        ("rpc = \"http://a\"\nfinal_above = 10000", "line"),
        ("rpc = \"http://a\"\nfinal_above = \"-1\"", "line"),
    ] {
        let error = format!("{:#}", chain(text).err().unwrap());
        assert!(error.contains(said), "{text}: {error}");
    }
}

#[test]
fn what_is_wrong_is_said() {
    for (text, said) in [
        ("database = \"sqlite://x\"", "environment"),
        ("environment = \"staging\"\ndatabase = \"sqlite://x\"", "staging"),
        ("environment = \"testnet\"", "database"),
        ("environment = \"testnet\"\ndatabase = \"sqlite://:memory:\"", "file"),
        ("environment = \"testnet\"\ndatabase = \"mysql://x\"", "sqlite"),
        ("environment = \"testnet\"\ndatabase = \"sqlite://x\"\n[chains.ethereum-mainnet]\nrpc = \"http://x\"", "never mix"),
        ("environment = \"testnet\"\ndatabase = \"sqlite://x\"\n[chains.dogecoin]\nrpc = \"http://x\"", "there are"),
        (
            "environment = \"testnet\"\ndatabase = \"sqlite://x\"\n[chains.base-sepolia]\nrpc = { url = \"http://x\", http = \"http://y\" }",
            "Tron",
        ),
        (
            "environment = \"testnet\"\ndatabase = \"sqlite://x\"\n[chains.tron-nile]\nrpc = { url = \"http://x\", http = \"ftp://y\" }",
            "http",
        ),
        (
            "environment = \"testnet\"\ndatabase = \"sqlite://x\"\n[chains.base-sepolia]\nrpc = \"http://x\"\ngenesis = \"x\"",
            "genesis is for Solana",
        ),
        ("environment = \"testnet\"\ndatabase = \"sqlite://x\"\n[chains.bsc-testnet]\nrpc = \"http://x\"", "tokens"),
        ("environment = \"testnet\"\ndatabase = \"sqlite://x\"\nunknown = 1", "unknown"),
        ("environment = \"testnet\"\ndatabase = \"sqlite://x\"", "no chain"),
        ("environment = \"testnet\"\ndatabase = \"sqlite://nowhere/x\"", "nowhere does not exist"),
        ("environment = \"testnet\"\ndatabase = \"sqlite://x\"\nlisten = \"127.0.0.1:bad\"", "127.0.0.1:bad"),
        ("environment = \"testnet\"\ndatabase = \"sqlite://x\"\npublic_url = \"pay.example.com\"", "https://pay"),
        ("environment = \"testnet\"\ndatabase = \"sqlite://x\"\ntrusted_proxies = [\"10.0.0.0/40\"]", "10.0.0.0/8"),
        ("environment = \"testnet\"\ndatabase = \"sqlite://x\"\n[orders]\ntolerance = \"1\"", "less than one token"),
        ("environment = \"testnet\"\ndatabase = \"sqlite://x\"\n[orders]\npayment_window_minutes = 0", "1 to 60"),
        ("environment = \"testnet\"\ndatabase = \"sqlite://x\"\n[rate_limits]\nper_hour = 0", "rate_limits.per_hour"),
        ("environment = \"testnet\"\ndatabase = \"sqlite://x\"\n[rate_limits.organizations]\norg_1 = 0", "rate_limits.organizations.org_1"),
    ] {
        let error = format!("{:#}", config(text).err().unwrap());
        assert!(error.contains(said), "{text}: {error}");
    }
}

#[test]
fn a_broken_line_is_named_and_not_repeated() {
    let error = format!("{:#}", config(&format!("{SMALL}[chains.base-sepolia]\nrpc = https://node.example/SECRETKEY\n")).err().unwrap());
    assert!(error.contains("line 4") && !error.contains("SECRETKEY"), "{error}");
}

#[test]
fn a_server_behind_a_proxy_says_so() {
    let text = format!(
        "public_url = \"https://pay.example.com/shop/\"\ntrusted_proxies = [\"10.0.0.0/8\", \"::1\"]\n{SMALL}[chains.base-sepolia]\n\
         rpc = \"http://127.0.0.1:1\"\n"
    );
    let config = config(&text).unwrap();
    assert_eq!(config.public_url.as_deref(), Some("https://pay.example.com/shop"));
    assert!(config.trusted_proxies.iter().any(|network| network.has("10.1.2.3".parse().unwrap())));
}

#[test]
fn paths_are_meant_from_the_file() {
    let folder = std::env::temp_dir();
    let file = parse(&format!("{SMALL}[chains.base-sepolia]\nrpc = \"http://127.0.0.1:1\"\n")).unwrap();
    let config = Config::check(file, &folder, |name| (name == "PAYIN_SERVER_MASTER_KEY").then(|| "ab".repeat(32))).unwrap();
    assert_eq!(config.database, Location::Sqlite(folder.join("payin.db")));
}
