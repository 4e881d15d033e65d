# syntax=docker/dockerfile:1
# Node strips the types itself, so the sources are what runs: nothing is built.
FROM node:26-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts

FROM node:26-slim
WORKDIR /app
ENV NODE_ENV=production
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY config ./config
COPY src ./src
# The decision and the journal are kept here: mount a volume, or the epoch starts again with every container.
RUN mkdir -p /var/lib/understudy && chown node:node /var/lib/understudy
USER node
VOLUME /var/lib/understudy
EXPOSE 8080 9900
# This path needs no token. With another port in `admin.listen`, say so here: docker run --health-cmd.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9900/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "src/cli/understudy.js"]
CMD ["run", "--config", "/etc/understudy/understudy.yaml"]
