//! Mint accounts as nodes show them, and what makes one unusable.

use payin_core::chains;

use super::*;

fn chain() -> Chain {
    chains::known().into_iter().find(|chain| chain.id.as_str() == "solana-mainnet").unwrap()
}

/// A mint with so many decimals and such extensions, each of ten bytes.
pub(in crate::chain::solana) fn bytes(decimals: u8, extensions: &[u16]) -> Vec<u8> {
    let mut data = vec![0; BASE];
    data[44] = decimals;
    data[45] = 1;
    if !extensions.is_empty() {
        data.resize(KIND_AT, 0);
        data.push(KIND_MINT);
        for extension in extensions {
            data.extend_from_slice(&extension.to_le_bytes());
            data.extend_from_slice(&10u16.to_le_bytes());
            data.extend_from_slice(&[7; 10]);
        }
    }
    data
}

fn account(program: TokenProgram, data: &[u8]) -> Account {
    Account { owner: program.id().to_owned(), data: (base64::engine::general_purpose::STANDARD.encode(data), "base64".to_owned()) }
}

fn read(currency: &str, program: TokenProgram, data: &[u8]) -> Result<Mint, String> {
    let chain = chain();
    mint(&chain, chain.token(&currency.into()).unwrap(), Some(&account(program, data))).map_err(|fault| fault.to_string())
}

#[test]
fn mints_as_they_are_are_taken() {
    assert_eq!(read("USDC", TokenProgram::SplToken, &bytes(6, &[])).unwrap().program, TokenProgram::SplToken);
    // What PYUSD's mint has.
    let pyusd = read("PYUSD", TokenProgram::Token2022, &bytes(6, &[3, 12, 1, 4, 16, 14, 18, 19])).unwrap();
    assert_eq!((pyusd.program, pyusd.decimals), (TokenProgram::Token2022, 6));
}

#[test]
fn what_is_other_than_configured_is_refused_with_what_it_is() {
    let refused = |result: Result<Mint, String>, part: &str| {
        let text = result.unwrap_err();
        assert!(text.contains(part), "{text}");
    };
    refused(read("USDC", TokenProgram::SplToken, &bytes(9, &[])), "has 9 decimals, the configuration says 6");
    refused(read("USDC", TokenProgram::Token2022, &bytes(6, &[])), "of another token program");
    refused(read("USDC", TokenProgram::SplToken, &[1; 165]), "is no mint");
    refused(read("PYUSD", TokenProgram::Token2022, &bytes(6, &[12, 25])), "extension 25 (scaled amounts)");
    refused(read("PYUSD", TokenProgram::Token2022, &bytes(6, &[999])), "extension 999 (unknown)");
    let chain = chain();
    refused(mint(&chain, &chain.tokens[0], None).map_err(|fault| fault.to_string()), "there is no mint at");
    let system = Account { owner: "11111111111111111111111111111111".to_owned(), ..account(TokenProgram::SplToken, &bytes(6, &[])) };
    refused(mint(&chain, &chain.tokens[0], Some(&system)).map_err(|fault| fault.to_string()), "not an account of a token program");
}

#[test]
fn a_cut_off_extension_is_still_seen() {
    let mut data = bytes(6, &[12]);
    data.extend_from_slice(&25u16.to_le_bytes());
    data.extend_from_slice(&[255, 255, 1]);
    assert!(read("PYUSD", TokenProgram::Token2022, &data).unwrap_err().contains("extension 25"));
    assert!(read("PYUSD", TokenProgram::Token2022, &[]).is_err());
}
