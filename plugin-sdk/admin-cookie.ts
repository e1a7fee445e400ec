/** The name of the cookie that a signed-in browser holds; its value is the admin token. */
export const adminCookie = 'bifrost_admin';
