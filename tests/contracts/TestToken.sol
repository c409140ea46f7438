// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// An ERC-20 for tests: its name, symbol and decimals are chosen at deployment, and anybody may make or move its money.
/// After a change run scripts/compile-contracts.
contract TestToken {
    string public name;
    string public symbol;
    uint8 public decimals;
    uint256 public totalSupply;
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    constructor(string memory name_, string memory symbol_, uint8 decimals_) {
        init(name_, symbol_, decimals_);
    }

    /// What the constructor does, for code that was placed at a real token's address without running it.
    function init(string memory name_, string memory symbol_, uint8 decimals_) public {
        name = name_;
        symbol = symbol_;
        decimals = decimals_;
    }

    function mint(address to, uint256 amount) external {
        totalSupply += amount;
        balanceOf[to] += amount;
        emit Transfer(address(0), to, amount);
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        _move(msg.sender, to, amount);
        return true;
    }

    function approve(address spender, uint256 amount) external returns (bool) {
        allowance[msg.sender][spender] = amount;
        emit Approval(msg.sender, spender, amount);
        return true;
    }

    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        allowance[from][msg.sender] -= amount;
        _move(from, to, amount);
        return true;
    }

    /// Several transfers in one transaction, in the order given.
    function multiTransfer(address[] calldata to, uint256[] calldata amounts) external {
        require(to.length == amounts.length, "lengths differ");
        for (uint256 i = 0; i < to.length; i++) _move(msg.sender, to[i], amounts[i]);
    }

    /// Several transfers in one transaction, in the order given, each followed by `each` payments to strangers, who are counted up from
    /// `stranger`. A stranger's payment is an event and nothing else, so that a hundred thousand of them are made in no time.
    function amidst(address[] calldata to, uint256[] calldata amounts, uint256 stranger, uint256 each) external {
        require(to.length == amounts.length, "lengths differ");
        for (uint256 i = 0; i < to.length; i++) {
            _move(msg.sender, to[i], amounts[i]);
            for (uint256 j = 0; j < each; j++) emit Transfer(msg.sender, address(uint160(stranger++)), amounts[i]);
        }
    }

    /// Several transfers of several tokens in one transaction, in the order given. Each token must be a TestToken.
    function batchAcross(address[] calldata tokens, address[] calldata to, uint256[] calldata amounts) external {
        require(tokens.length == to.length && to.length == amounts.length, "lengths differ");
        for (uint256 i = 0; i < tokens.length; i++) TestToken(tokens[i]).move(msg.sender, to[i], amounts[i]);
    }

    /// Moves anybody's money, asking nobody. Never in a real token.
    function move(address from, address to, uint256 amount) external {
        _move(from, to, amount);
    }

    function _move(address from, address to, uint256 amount) private {
        require(balanceOf[from] >= amount, "balance too low");
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
        emit Transfer(from, to, amount);
    }
}
