// A certified OpenID provider (node-oidc-provider) with its own pages for signing in and saying yes.
// Whoever signs in as NAME has the claims that accounts.json says; it is read anew each time.
import { readFileSync } from "node:fs";
import { Provider } from "oidc-provider";

const { issuer, port, accounts, client, method } = JSON.parse(process.argv[2]);

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: client.id,
      client_secret: client.secret,
      redirect_uris: [client.back],
      post_logout_redirect_uris: [client.after],
      token_endpoint_auth_method: method,
    },
  ],
  pkce: { required: () => true },
  claims: {
    openid: ["sub"],
    email: ["email", "email_verified"],
    profile: ["name", "zoneinfo"],
    groups: ["groups"],
  },
  scopes: ["openid", "email", "profile", "groups"],
  findAccount: (_, sub) => ({
    accountId: sub,
    claims: () => ({ sub, ...JSON.parse(readFileSync(accounts, "utf8"))[sub] }),
  }),
});
provider.listen(port, "127.0.0.1", () => console.log("listening"));
