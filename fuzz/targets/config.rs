//! Configurations: refused in words that do not repeat what may be secret, or within every bound that money depends on.
#![no_main]

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use payin_core::Units;
use payin_server::config::Config;

/// Where the corpus has its secrets: in URLs of nodes and of the database.
const SECRET: &str = "p4ssw0rd";

/// A folder with a master key, and room for the configuration.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("payin-fuzz-config-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let key = folder.join("key");
    std::fs::write(&key, "00112233445566778899aabbccddeeff".repeat(2)).expect("a key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).expect("its owner's alone");
    folder
});

/// Whether the secret stands only where nothing may repeat it: a mutation may have put it anywhere.
fn is_kept(text: &str) -> bool {
    let within = |line: &str| line.starts_with("rpc = \"https://") || line.starts_with("database = \"postgres://");
    !text.contains("\"\"\"") && !text.contains("'''") && text.split('\n').filter(|line| line.contains(SECRET)).all(within)
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // Not to read files that never end.
    if text.contains("/dev/") || text.contains("/proc/") || text.contains("\\u") {
        return;
    }
    let path = FOLDER.join("payin.toml");
    std::fs::write(&path, text).expect("written");
    let config = match Config::load(Some(&path)) {
        Ok(config) => config,
        Err(error) => {
            let said = format!("{error:#}");
            assert!(!said.contains(SECRET) || !is_kept(text), "{said}");
            return;
        }
    };
    assert!(!config.summary().contains(SECRET) || !is_kept(text), "{}", config.summary());
    let orders = config.orders;
    assert!(
        (60..=3600).contains(&orders.window.as_secs())
            && orders.grace.as_secs() <= 1800
            && orders.window + orders.grace <= orders.total_max
    );
    assert!(orders.tolerance < Units::from_base_units(1, 0).expect("one"));
    assert!(!config.chains.is_empty() && !config.master_keys.is_empty());
    for source in &config.chains {
        let chain = &source.chain;
        assert!(chain.environment == config.environment && chain.confirmations >= 1 && !source.nodes.is_empty(), "{}", chain.id);
        assert!(!chain.tokens.is_empty() && chain.tokens.iter().all(|token| token.decimals <= 18), "{}", chain.id);
        assert!(chain.agreed_above.is_none() || source.nodes.len() > 1, "{}", chain.id);
    }
    assert!(config.deliveries.retries.iter().all(|wait| (1..=604_800).contains(&wait.as_secs())) && config.deliveries.retries.len() <= 30);
    assert!(config.rate_limits.is_none_or(|limits| limits.per_minute > 0 && limits.per_hour > 0 && limits.per_day > 0));
});
