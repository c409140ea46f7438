// Asked on stdin, answers on stdout, with npm's tronweb: what addresses and calls look like to Tron's own library.
const { TronWeb, utils } = require(process.env.PAYIN_TEST_TRONWEB);
const asked = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const call = (signature, types, values) =>
    '0x' + utils.ethersUtils.id(signature).slice(2, 10) + utils.abi.encodeParams(types, values).slice(2);
console.log(JSON.stringify({
    base58: asked.accounts.map((hex) => TronWeb.address.fromHex('41' + hex)),
    hex: asked.addresses.map((text) => TronWeb.address.toHex(text)),
    valid: asked.texts.map((text) => TronWeb.isAddress(text)),
    transfers: asked.addresses.map((text) => call('transfer(address,uint256)', ['address', 'uint256'], [text, asked.amount])),
    decimals: call('decimals()', [], []),
    topic: utils.ethersUtils.id('Transfer(address,address,uint256)'),
}));
